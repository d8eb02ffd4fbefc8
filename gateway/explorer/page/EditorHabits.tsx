import { useGraphiQL, useGraphiQLActions, useMonaco } from '@graphiql/react';
import { useEffect, useRef } from 'react';
import { useExplorer } from './ExplorerContext.ts';
import { defineEditorThemes } from './editorThemes.ts';
import { useObservable } from './observable.ts';

/** What GraphiQL's editors do here beyond their own habits. Shows nothing. */
export const EditorHabits = () => {
  const { session, hasSchema } = useExplorer();
  const state = useObservable(session.state);
  const { queryEditor, variableEditor, headerEditor, responseEditor, schema } = useGraphiQL((it) => ({
    queryEditor: it.queryEditor,
    variableEditor: it.variableEditor,
    headerEditor: it.headerEditor,
    responseEditor: it.responseEditor,
    schema: it.schema,
  }));
  const monaco = useMonaco(({ monaco }) => monaco);
  const { setTheme, introspect } = useGraphiQLActions();

  // Tab writes a tab in these editors. Escape must lead out, or the keyboard is trapped (WCAG 2.1.2).
  useEffect(() => {
    if (!monaco) return;
    const named = {
      'Operation editor': queryEditor,
      Variables: variableEditor,
      Headers: headerEditor,
      Response: responseEditor,
    };
    for (const [name, editor] of Object.entries(named)) {
      editor?.updateOptions({ ariaLabel: `${name}. Escape leaves it.`, fontSize: 14, wordWrap: 'on' });
      // Brackets in colours of their own, some of which are too pale to read.
      editor?.getModel()?.updateOptions({
        bracketColorizationOptions: { enabled: false, independentColorPoolPerBracketType: false },
      });
      editor?.addAction({
        id: 'kilde-leave',
        label: 'Leave the Editor',
        keybindings: [monaco.KeyCode.Escape],
        keybindingContext:
          '!suggestWidgetVisible && !findWidgetVisible && !parameterHintsVisible && !renameInputVisible && !inSnippetMode',
        run: () => editor.getContainerDomNode().focus(),
      });
    }
    for (const [editor, name] of [
      [queryEditor, 'Operation'],
      [variableEditor, 'Variables'],
      [headerEditor, 'Headers'],
    ] as const) {
      const container = editor?.getContainerDomNode();
      container?.setAttribute('role', 'group');
      container?.setAttribute('aria-label', `${name}. Enter edits, Escape leaves.`);
    }
  }, [monaco, queryEditor, variableEditor, headerEditor, responseEditor]);

  // Monaco takes the system's theme once and does not notice when it changes.
  useEffect(() => {
    if (!monaco) return;
    defineEditorThemes(monaco);
    setTheme(null);
    const dark = window.matchMedia('(prefers-color-scheme: dark)');
    const follow = () => setTheme(null);
    dark.addEventListener('change', follow);
    return () => dark.removeEventListener('change', follow);
  }, [monaco, setTheme]);

  // A token is for one patient: the variables follow when another one is signed in for.
  const patient = useRef<string | null>(null);
  useEffect(() => {
    if (state.status !== 'in') return;
    const before = patient.current;
    const next = state.choice.patient;
    if (before && next && before !== next) {
      const text = variableEditor?.getValue() ?? '';
      if (text.includes(before)) variableEditor?.setValue(text.replaceAll(before, next));
    }
    if (next) patient.current = next;
  }, [state, variableEditor]);

  // Where the schema comes by introspection only, it may take a token.
  const signedIn = state.status === 'in' || state.status === 'token';
  useEffect(() => {
    if (signedIn && !hasSchema && !schema) void introspect();
  }, [signedIn, hasSchema, schema, introspect]);

  return null;
};
