import { loadConfig } from '../../gateway/config.ts';
import { startGateway } from '../../gateway/main.ts';

/** A gateway with its subgraphs in a process of its own, so that a test can kill it. Tells its parent the URL. */
const gateway = await startGateway(loadConfig(process.env), process.env);
process.send?.(gateway.url);
process.once('disconnect', () => process.exit());
