import { listContainers, type ContainerListRow } from '../../sessions/list-containers.ts';
import { kindWords } from '../../sessions/box-kind.ts';
import { table, type Column } from '../../ui/table.ts';
import { defineCommand } from '../define.ts';

const COLUMNS: readonly Column<ContainerListRow>[] = [
  { head: 'SESSION', cell: (row) => row.session ?? (row.warm ? '(kept ready)' : '(none)') },
  { head: 'CONTAINER', cell: (row) => row.name },
  { head: 'ENGINE', cell: (row) => row.engine },
  { head: 'IMAGE', cell: (row) => row.image },
  {
    head: 'STATE',
    cell: (row) => row.state,
    colour: (text, row, paint) => (row.state === 'running' ? paint.green(text) : paint.yellow(text)),
  },
  { head: 'STATUS', cell: (row) => row.status },
  { head: 'BOX', cell: ({ box }) => kindWords(box), spare: true, least: 8 },
  { head: 'PORTS', cell: (row) => row.ports.join(' ') },
];

const ENGINES = ['docker', 'podman'] as const;

export default defineCommand({
  command: 'list',
  describe: 'List the containers of this repository',
  options: {},
  examples: [
    ['$0 docker list', ''],
    ['$0 docker list --json', 'for scripts'],
    ['$0 docker list -q', 'names alone'],
  ],
  async run(args, app) {
    const rows = await listContainers(
      app,
      ENGINES.find((name) => name === args['engine']),
    );
    app.output.answer({ containers: rows }, (paint) =>
      args['quiet'] === true
        ? rows.map(({ name }) => name).join('\n')
        : rows.length === 0
          ? 'No containers here. Start one:  para start NAME --docker'
          : table(rows, COLUMNS, paint, app.output.width),
    );
    return 0;
  },
});
