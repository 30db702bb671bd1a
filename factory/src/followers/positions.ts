import type { Page, Store, StoreEvent, StoreEventType, StoreReader } from '../store/index.js';

/** Sequence of the newest event; 0 if there is none. */
export async function newestSequence(store: StoreReader): Promise<number> {
  const { items } = await store.find('events', { sort: [{ field: 'sequence', descending: true }], limit: 1 });
  return items[0]?.sequence ?? 0;
}

/** The next events after a position, of some types. */
export function eventsAfter(
  store: StoreReader,
  position: number,
  types: readonly StoreEventType[],
): Promise<Page<StoreEvent>> {
  return store.find('events', {
    where: [
      { field: 'sequence', operator: '>', value: position },
      { field: 'type', operator: 'in', value: types },
    ],
    sort: [{ field: 'sequence' }],
    limit: 1000,
  });
}

/** The tasks of a follower that have a position of their own. */
export async function tasksApart(store: StoreReader, name: string): Promise<readonly string[]> {
  const prefix = `${name}/`;
  const found: string[] = [];
  let after: string | undefined;
  do {
    const page = await store.find('followers', {
      where: [{ field: 'name', operator: '~', value: prefix }],
      ...(after === undefined ? {} : { after }),
      limit: 1000,
    });
    found.push(
      ...page.items.flatMap(row => (row.name.startsWith(prefix) ? [row.name.slice(prefix.length)] : [])),
    );
    after = page.next;
  } while (after !== undefined);
  return found;
}

/** The undone tasks of a follower, as the store has them; some may have been done since, and are done again after a crash. */
export async function undoneTasks(
  store: StoreReader,
  name: string,
  types: readonly StoreEventType[],
  tasksOf: (event: StoreEvent) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const tasks = new Set(await tasksApart(store, name));
  let position = (await store.get('followers', name))?.position;
  while (position !== undefined) {
    const { items, next } = await eventsAfter(store, position, types);
    for (const event of items) {
      for (const task of await tasksOf(event)) {
        tasks.delete(task);
        tasks.add(task);
      }
    }
    position = next === undefined ? undefined : items.at(-1)?.sequence;
  }
  return [...tasks];
}

/** Gives each undone task a position of its own and removes that of the follower: events to come are none of its. */
export async function suspendFollower(
  store: Store,
  name: string,
  types: readonly StoreEventType[],
  tasksOf: (event: StoreEvent) => Promise<readonly string[]>,
): Promise<number> {
  const tasks = await undoneTasks(store, name, types, tasksOf);
  const known = await store.get('followers', name);
  if (known !== undefined) {
    const { position } = known;
    const apart = new Set(await tasksApart(store, name));
    await store.commit([
      ...tasks
        .filter(task => !apart.has(task))
        .map(task => ({ change: 'follower.advance' as const, name: `${name}/${task}`, position })),
      { change: 'follower.remove', name },
    ]);
  }
  return tasks.length;
}
