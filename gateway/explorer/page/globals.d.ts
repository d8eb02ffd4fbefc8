declare module '*.css';

/** Addresses of the bundled workers, by Monaco's label: written into the script by the build. */
declare const WORKER_URLS: { editor: string; json: string; graphql: string };
