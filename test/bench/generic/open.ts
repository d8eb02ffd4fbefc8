import type { PlannerName } from '../../../gateway/plan/maker.ts';
import { serveOpenGateway } from '../../tools/open-gateway.ts';
import { answerParent } from '../processes.ts';
import { usage } from '../usage.ts';

/** Kilde's engine for any supergraph. */
const gateway = await serveOpenGateway(process.env['SUPERGRAPH_SDL'] ?? '', {
  wanted: process.env['PLANNER'] as PlannerName,
});
answerParent({ url: () => gateway.url, usage }, () => gateway.close());
