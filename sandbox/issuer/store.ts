import type { AdapterFactory, AdapterPayload } from 'oidc-provider';

const nothing = async () => undefined;

/**
 * Memory of the issuer: used assertions and proofs, until they could not be used anyway. Tokens are signed and never
 * kept, and nobody logs in here, so the rest of the library's contract holds nothing.
 */
export const createStore = (): AdapterFactory => {
  const entries = new Map<string, { payload: AdapterPayload; until: number }>();
  return (model) => ({
    async upsert(id, payload, expiresInSeconds = 0) {
      const now = Date.now();
      for (const [key, { until }] of entries) if (until < now) entries.delete(key);
      entries.set(`${model}/${id}`, { payload, until: now + expiresInSeconds * 1_000 });
    },
    find: async (id) => entries.get(`${model}/${id}`)?.payload,
    findByUserCode: nothing,
    findByUid: nothing,
    consume: nothing,
    destroy: nothing,
    revokeByGrantId: nothing,
  });
};
