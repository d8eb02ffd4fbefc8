import { type Read, refuseMessage } from '../refusal.ts';
import { labReportNamespaces, msgHeadNamespace } from './codes.ts';
import { readLabReport } from './labReport.ts';
import type { Delivery, Environment } from './message.ts';
import { readMsgHead } from './msgHead.ts';
import { readXml } from './xmlNode.ts';

/**
 * KITH XML -> a message that is kept, as an event or set aside. Refused is only what cannot be kept under a name of its own:
 * no XML, no message of a known kind, no usable MsgId.
 */
export const readKith = (body: Buffer, environment: Environment, now: Date): Read<Delivery> => {
  const document = readXml(body);
  if (!document.ok) return document;
  const { name, namespace } = document.value;
  if (name === 'MsgHead' && namespace === msgHeadNamespace) return readMsgHead(document.value, body, environment, now);
  if (name === 'Message' && labReportNamespaces.includes(namespace))
    return readLabReport(document.value, body, environment, now);
  return refuseMessage('T10', 'neither a MsgHead 1.2 nor a lab report (svarrapport)', '');
};
