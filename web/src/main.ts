/** The page: three tabs, each with a worker of its own, and the policy that it runs under, in its own words. */
import { byId } from './dom.ts';
import { keepPageOnDrop } from './drop-zone.ts';
import { lazyWorker } from './page-worker.ts';
import { ReadTab } from './read/read-tab.ts';
import { SearchTab } from './search/search-tab.ts';
import { startTabs } from './tabs.ts';
import { TrainTab } from './train/train-tab.ts';

const policy = document.querySelector('meta[http-equiv="Content-Security-Policy"]')?.getAttribute('content');
byId('policy').textContent = policy ?? '';
keepPageOnDrop();

/** A tab is made when it is first opened. */
const tabs = new Map<string, () => void>([
  ['search', once(() => new SearchTab(byId('panel-search'), lazyWorker()))],
  ['train', once(() => new TrainTab(byId('panel-train'), lazyWorker()))],
  ['read', once(() => new ReadTab(byId('panel-read'), lazyWorker()))],
]);
startTabs((name) => tabs.get(name)?.());

function once(make: () => void): () => void {
  let made = false;
  return () => {
    if (made) return;
    made = true;
    make();
  };
}
