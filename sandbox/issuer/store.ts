import type { AdapterFactory, AdapterPayload } from 'oidc-provider';

/**
 * Memory of the issuer: used assertions and proofs, pushed requests, logins, refresh tokens and registered clients, each
 * until it could not be used anyway. Access tokens are signed and never kept.
 */
export const createStore = (): AdapterFactory => {
  const entries = new Map<string, { payload: AdapterPayload; until: number }>();
  const read = (key: string): AdapterPayload | undefined => {
    const entry = entries.get(key);
    return entry && entry.until >= Date.now() ? entry.payload : undefined;
  };
  return (model) => ({
    async upsert(id, payload, expiresInSeconds = Number.POSITIVE_INFINITY) {
      const now = Date.now();
      for (const [key, { until }] of entries) if (until < now) entries.delete(key);
      entries.set(`${model}/${id}`, { payload, until: now + expiresInSeconds * 1_000 });
    },
    find: async (id) => read(`${model}/${id}`),
    async findByUid(uid) {
      const [key = ''] =
        [...entries].find(([it, { payload }]) => it.startsWith(`${model}/`) && payload.uid === uid) ?? [];
      return read(key);
    },
    findByUserCode: async () => undefined, // of device logins, which there are none of
    async consume(id) {
      const payload = read(`${model}/${id}`);
      if (payload) payload.consumed = Math.floor(Date.now() / 1_000);
    },
    async destroy(id) {
      entries.delete(`${model}/${id}`);
    },
    async revokeByGrantId(grantId) {
      for (const [key, { payload }] of entries) if (payload.grantId === grantId) entries.delete(key);
    },
  });
};
