/** What the editor holds before anybody has written anything. Valid as it stands, so that nothing is underlined in red. */
export const welcome = `# Kilde: one schema, one patient, every source.
#
# Choose an example beside this, or sign in above and write your own.
#
#   Run        Ctrl+Enter
#   Complete   Ctrl+Space
#   Leave      Esc, then Tab

query Hello {
  __typename
}
`;
