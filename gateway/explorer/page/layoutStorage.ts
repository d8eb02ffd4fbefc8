const kept = /^graphiql:(docExplorerFlex|editorFlex|secondaryEditorFlex)$/;
const narrowFirstPane = '0.27'; // of the width beside it, until somebody drags it

/**
 * What GraphiQL may remember. Its own choice is `localStorage` for operations, variables, headers and history, which here
 * hold national ids and health data: those live as long as the page. Only the panes' sizes are written down.
 */
export const createLayoutStorage = (
  lasting: Storage | null,
): Pick<Storage, 'getItem' | 'setItem' | 'removeItem' | 'clear' | 'length'> => {
  const memory = new Map<string, string>();
  return {
    getItem: (key) => {
      if (!kept.test(key)) return memory.get(key) ?? null;
      return lasting?.getItem(key) ?? (key === 'graphiql:docExplorerFlex' ? narrowFirstPane : null);
    },
    setItem: (key, value) => {
      if (kept.test(key)) lasting?.setItem(key, value);
      else memory.set(key, value);
    },
    removeItem: (key) => {
      if (kept.test(key)) lasting?.removeItem(key);
      else memory.delete(key);
    },
    clear: () => {
      memory.clear();
      for (const pane of ['docExplorerFlex', 'editorFlex', 'secondaryEditorFlex'])
        lasting?.removeItem(`graphiql:${pane}`);
    },
    get length() {
      return memory.size;
    },
  };
};
