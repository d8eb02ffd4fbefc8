import type * as Monaco from 'monaco-editor';

/** Names for GraphiQL to ask Monaco for. */
export const editorTheme = { light: 'kilde-light', dark: 'kilde-dark' };

type Rules = Monaco.editor.ITokenThemeRule[];

const colors = (accent: string, surface: string, border: string, text: string): Record<string, string> => ({
  'editor.background': '#ffffff00',
  'scrollbar.shadow': '#ffffff00',
  focusBorder: accent,
  'textLink.foreground': accent,
  'textLink.activeForeground': accent,
  'editorLink.activeForeground': accent,
  'editorWidget.background': surface,
  'editorHoverWidget.background': surface,
  'editorHoverWidget.border': border,
  'editorSuggestWidget.background': surface,
  'editorSuggestWidget.border': border,
  'editorSuggestWidget.selectedBackground': `${accent}2b`,
  'editorSuggestWidget.selectedForeground': text,
  'editorSuggestWidget.selectedIconForeground': text,
  'editorSuggestWidget.highlightForeground': accent,
  'editorSuggestWidget.focusHighlightForeground': accent,
  'list.hoverBackground': `${accent}1a`,
  'quickInput.background': surface,
  'menu.background': surface,
});

// Monaco's own colours where these do not reach 4.5:1 on our grounds.
const light: Rules = [
  { token: 'argument.identifier.gql', foreground: '4d49b5' },
  { token: 'comment', foreground: '3f6212' },
  { token: 'number', foreground: '07603f' },
  { token: 'type', foreground: '066a6a' },
];
const dark: Rules = [
  { token: 'argument.identifier.gql', foreground: 'b4b1ff' },
  { token: 'comment', foreground: '93c47d' },
  { token: 'keyword', foreground: '82b8f2' },
];

/** Gives Monaco Kilde's colours, light and dark. */
export const defineEditorThemes = ({ editor }: Pick<typeof Monaco, 'editor'>): void => {
  editor.defineTheme(editorTheme.light, {
    base: 'vs',
    inherit: true,
    rules: light,
    colors: { ...colors('#0b5566', '#ffffff', '#71838e', '#16232b'), 'editorLineNumber.foreground': '#4a5b66' },
  });
  editor.defineTheme(editorTheme.dark, {
    base: 'vs-dark',
    inherit: true,
    rules: dark,
    colors: { ...colors('#7fd3e3', '#1b252d', '#7f929e', '#e8eef2'), 'editorLineNumber.foreground': '#b3c1ca' },
  });
};
