/** What the professional wants opened, and why; empty texts for nothing. */
export type Elevating = { accessBasis: string; reason: string };

/** As `POST /graphql` takes it; nothing when nothing is to be opened and no reason is given. */
export const toExtensions = ({ accessBasis, reason }: Elevating) =>
  accessBasis || reason.trim()
    ? { extensions: { kilde: { ...(accessBasis ? { accessBasis } : {}), reason: reason.trim() } } }
    : {};
