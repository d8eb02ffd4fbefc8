import * as z from 'zod';
import { FhirIdentifier } from '../../_shared/fhir.ts';
import type { EventResource } from '../ingest/event.ts';

const Named = z.object({ id: z.string().optional(), identifier: z.array(FhirIdentifier).default([]) });

/** What the sender calls the thing, from one statement about it to the next: its identifier, its id, or its `fullUrl`. */
export const nameOf = ({ resource, fullUrl }: EventResource, unnamed: string): string => {
  const { data } = Named.safeParse(resource);
  const [identifier] = data?.identifier ?? [];
  if (identifier?.value) return `${identifier.system ?? ''}|${identifier.value}`;
  return data?.id ?? fullUrl ?? unnamed;
};
