export { userConfigPath } from './load.ts';
