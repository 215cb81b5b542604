/** The page: three tabs, their workers, and the policy that it runs under, in its own words. */
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

/** Draws: reports for one tab, curves for another. */
const drawer = lazyWorker();

/** A tab is made when it is first opened. */
const tabs = new Map<string, () => void>([
  ['search', once(() => new SearchTab(byId('panel-search'), lazyWorker()))],
  ['train', once(() => new TrainTab(byId('panel-train'), lazyWorker(), drawer))],
  ['read', once(() => new ReadTab(byId('panel-read'), drawer))],
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
