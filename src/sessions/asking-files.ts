/** The settings files of a repository, by which its asks are known. */
export const CONFIG_FILE = '.para/config.json';
export const DOCKER_FILE = '.para/docker.json';
