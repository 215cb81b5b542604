/** Tabs by the pattern of the ARIA Authoring Practices: arrow keys move, the address remembers which one is open. */
import { byId } from './dom.ts';

/** @param onOpen called with the name of a tab, "search", whenever it opens */
export function startTabs(onOpen: (name: string) => void): void {
  const tabs = [...document.querySelectorAll<HTMLElement>('[role=tab]')];
  const nameOf = (tab: HTMLElement): string => tab.id.replace('tab-', '');
  const open = (tab: HTMLElement): void => {
    for (const one of tabs) {
      const selected = one === tab;
      one.setAttribute('aria-selected', String(selected));
      one.tabIndex = selected ? 0 : -1;
      byId(`panel-${nameOf(one)}`).hidden = !selected;
    }
    document.title = `${tab.textContent} · Limbeck`;
    onOpen(nameOf(tab));
  };
  const choose = (tab: HTMLElement): void => {
    history.replaceState(null, '', `#${nameOf(tab)}`);
    open(tab);
    tab.focus();
  };
  const places: Record<string, (place: number) => number> = {
    ArrowRight: (place) => (place + 1) % tabs.length,
    ArrowLeft: (place) => (place + tabs.length - 1) % tabs.length,
    Home: () => 0,
    End: () => tabs.length - 1,
  };
  for (const [place, tab] of tabs.entries()) {
    tab.addEventListener('click', () => choose(tab));
    tab.addEventListener('keydown', (event) => {
      const next = Object.hasOwn(places, event.key) ? places[event.key](place) : undefined;
      if (next === undefined) return;
      event.preventDefault();
      choose(tabs[next]);
    });
  }
  const named = (): HTMLElement | undefined => tabs.find((tab) => `#${nameOf(tab)}` === location.hash);
  addEventListener('hashchange', () => open(named() ?? tabs[0]));
  open(named() ?? tabs[0]);
}
