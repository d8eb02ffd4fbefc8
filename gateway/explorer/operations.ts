import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type ExampleOperation, parseExample } from './exampleOperation.ts';

/** All examples of a folder, by file name. Read anew each time, so that an edited example shows on reload. */
export const readExamples = async (folder: string): Promise<ExampleOperation[]> => {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.graphql')).sort();
  return Promise.all(
    files.map(async (file) => parseExample(basename(file, '.graphql'), await readFile(join(folder, file), 'utf8'))),
  );
};
