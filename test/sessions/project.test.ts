import { describe, expect, test } from '@jest/globals';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { chooseImage, projectType } from '../../src/sessions/project.ts';

describe('projectType', () => {
  test.each<[string[], string | undefined]>([
    [['Cargo.toml', 'package.json'], 'rust'],
    [['package.json', 'requirements.txt'], 'node'],
    [['pyproject.toml'], 'python'],
    [['setup.py', 'go.mod'], 'python'],
    [['go.mod'], 'go'],
    [['build.gradle.kts'], 'java'],
    [['pom.xml'], 'java'],
    [['Gemfile'], 'ruby'],
    [['composer.json'], 'php'],
    [['App.csproj'], 'dotnet'],
    [['All.sln', 'Gemfile'], 'ruby'],
    [['README.md', 'cargo.toml', 'package.json.bak'], undefined],
    [[], undefined],
  ])('%j is %s', (names, type) => {
    expect(projectType(names)).toBe(type);
  });

  test('has an image by default for every kind', () => {
    const markers = [
      'Cargo.toml',
      'package.json',
      'setup.py',
      'go.mod',
      'pom.xml',
      'Gemfile',
      'composer.json',
      'a.sln',
    ];
    const types = markers.map((name) => projectType([name]));
    expect(types.sort()).toEqual(Object.keys(DEFAULTS.docker.image_mappings).sort());
  });
});

describe('chooseImage', () => {
  const all = { flag: 'f:1', file: 'd:1', mappings: { node: 'm:1' }, project: 'node', fallback: 'x:1' };
  test.each<[string, Partial<Parameters<typeof chooseImage>[0]>, string, string]>([
    ['the flag wins', {}, 'f:1', '--image'],
    ['then docker.json', { flag: undefined }, 'd:1', '.para/docker.json'],
    ['then the kind of project', { flag: undefined, file: undefined }, 'm:1', 'image_mappings.node'],
    ['no mapping for it', { flag: undefined, file: undefined, project: 'go' }, 'x:1', 'default_image'],
    ['no known kind', { flag: undefined, file: undefined, project: undefined }, 'x:1', 'default_image'],
  ])('%s', (_, change, image, source) => {
    expect(chooseImage({ ...all, ...change })).toEqual({ image, source });
  });
});
