export function readValue(_c: unknown, _p: string): unknown { throw new Error('x'); }
export function setConfigValue(_f: string, _p: string, _r: string): Promise<void> { throw new Error('x'); }
