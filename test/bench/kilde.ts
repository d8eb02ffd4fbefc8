import { loadConfig } from '../../gateway/config.ts';
import { startGateway } from '../../gateway/main.ts';
import { answerParent } from './processes.ts';
import { createProfiler } from './profile.ts';
import { usage } from './usage.ts';

/** The subject: the gateway as `npm run gateway` starts it, with all subgraphs in this process and everything on. */
const gateway = await startGateway(loadConfig(process.env), process.env);
const profiler = createProfiler();

answerParent({ url: () => `${gateway.url}/graphql`, usage, ...profiler }, gateway.stop);
