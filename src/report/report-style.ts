/** The look of the report: one style sheet, light and dark by the reader's preference, no fonts or images to load. */

export const REPORT_STYLE = `
:root{color-scheme:light dark;
--page:#fbfaf7;--card:#fff;--ink:#1d2126;--soft:#5a626c;--line:#e2dfd8;--accent:#1f5fa8;
--good-ink:#17603a;--good:#dcf1e4;--bad-ink:#96282d;--bad:#fae0df;--even-ink:#4a525c;--even:#e9ebee;
--class-0:#1f6fc4;--class-1:#dd6b1f;--class-2:#23914f;--class-3:#c2307c;--class-4:#7a55cc;--class-5:#0f9aa6;--class-6:#b58900;
--family-0:#9aa1aa;--family-1:#c3a58c;--family-2:#8fb3a1;
--curve-0:#dd6b1f;--curve-1:#1f6fc4;--curve-2:#23914f;--curve-3:#c2307c}
@media (prefers-color-scheme:dark){:root{
--page:#14171b;--card:#1c2026;--ink:#e8eaed;--soft:#a5adb8;--line:#333942;--accent:#7db4f5;
--good-ink:#8fe0b0;--good:#173726;--bad-ink:#ffaaa8;--bad:#472022;--even-ink:#c3cad3;--even:#2d333b;
--class-0:#5ea4f5;--class-1:#ff9a57;--class-2:#52cc86;--class-3:#f77fbb;--class-4:#b199fa;--class-5:#3fd3df;--class-6:#e8c33d;
--family-0:#838d9a;--family-1:#a58770;--family-2:#6c9685;
--curve-0:#ff9a57;--curve-1:#5ea4f5;--curve-2:#52cc86;--curve-3:#f77fbb}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1120px;margin:0 auto;padding:48px 24px 72px}
h1{font-size:1.9rem;line-height:1.2;margin:0 0 .6rem;letter-spacing:-.015em}
h2{font-size:1.2rem;margin:3rem 0 .8rem;letter-spacing:-.005em}
h3{font-size:.95rem;margin:0 0 .5rem}
p{margin:0 0 .8rem;max-width:72ch}
.lede{font-size:1.13rem;max-width:68ch}
.eyebrow,.note,figcaption,.count,.spread,.reading{color:var(--soft)}
.eyebrow{font-size:.85rem;margin-bottom:.4rem}
.note,figcaption{font-size:.85rem}.note{max-width:92ch}figcaption{margin-top:.5rem}
.count,.spread{font-weight:400;font-size:.82em;white-space:nowrap}
code{font:.9em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
table{width:100%;border-collapse:collapse;margin:0 0 1rem;font-variant-numeric:tabular-nums}
caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
th,td{padding:.6rem .5rem;text-align:right;vertical-align:top;border-bottom:1px solid var(--line);line-height:1.3}
th:first-child,td:first-child{text-align:left;padding-left:0}
thead th{font-size:.82rem;font-weight:600;color:var(--soft);border-bottom-color:var(--soft)}
tbody th{font-weight:600}
tbody th .count,td .spread{display:block}
.method-reference th,.method-reference td{color:var(--soft);font-weight:400}
summary{cursor:pointer;color:var(--accent);font-size:.9rem}
.verdicts{list-style:none;margin:0 0 1rem;padding:0;max-width:46rem}
.verdicts li{display:grid;grid-template-columns:5rem 11.5rem 1fr;gap:.3rem .8rem;align-items:baseline;padding:.45rem 0;border-bottom:1px solid var(--line)}
.metric{font-weight:600}
.pill{justify-self:start;border-radius:99px;padding:.08rem .7rem;font-size:.85rem;font-weight:600}
.good{background:var(--good);color:var(--good-ink)}.bad{background:var(--bad);color:var(--bad-ink)}.even{background:var(--even);color:var(--even-ink)}
.detail{font-variant-numeric:tabular-nums}
.panels{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:20px}
.panel{margin:0;background:var(--card);border:1px solid var(--line);border-radius:10px;padding:16px;min-width:0}
.panel svg{display:block;width:100%;height:auto;--plot-background:var(--card);color:var(--soft);overflow:visible}
.legend{border:0;margin:0 0 1rem;padding:0;display:flex;flex-wrap:wrap;gap:.35rem .5rem}
.legend legend{padding:0;margin-bottom:.4rem;font-size:.85rem;color:var(--soft)}
.legend label{display:inline-flex;align-items:center;gap:.4rem;padding:.2rem .6rem;border:1px solid var(--line);border-radius:99px;font-size:.85rem;background:var(--card);cursor:pointer}
.legend label:has(:checked){border-color:var(--ink)}
.legend label:has(:focus-visible){outline:2px solid var(--accent);outline-offset:1px}
.legend input{position:absolute;opacity:0}
.keys{list-style:none;margin:0 0 .3rem;padding:0;display:flex;flex-wrap:wrap;gap:.1rem .9rem;font-size:.85rem;color:var(--soft)}
.keys li{display:inline-flex;align-items:center;gap:.4rem}
.swatch{width:.75rem;height:.75rem;border-radius:50%}
.dash{width:1.3rem;border-top:2px dashed}.ring{width:.7rem;height:.7rem;border-radius:50%;border:2px solid}.diamond{width:.6rem;height:.6rem;transform:rotate(45deg)}
.dots circle.hit{stroke:var(--ink);stroke-width:2.5;fill-opacity:1;r:7px}
.reading{margin-top:.8rem;min-height:3em;max-width:none}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));gap:1.6rem 2.5rem}
dl{margin:0;font-size:.9rem}
dl div{display:grid;grid-template-columns:minmax(10rem,1fr) 2fr;gap:.8rem;padding:.28rem 0;border-bottom:1px solid var(--line)}
dt{color:var(--soft);overflow-wrap:anywhere}dd{margin:0;overflow-wrap:anywhere}
.meaning{margin-top:.6rem;max-width:46rem}.meaning div{grid-template-columns:6rem 1fr}
.panels.small{grid-template-columns:repeat(auto-fill,minmax(min(100%,310px),1fr))}
.examples{display:grid;gap:14px}.query{max-width:none;font-weight:600;margin-bottom:.5rem}
.columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,230px),1fr));gap:.6rem 1.6rem}
.columns h3{font-size:.85rem;color:var(--soft);margin:0 0 .2rem;overflow-wrap:anywhere}
.columns ol{margin:0;padding:0;list-style:none;font-size:.88rem;line-height:1.4}
.columns li{padding:.22rem 0;border-top:1px solid var(--line);overflow-wrap:anywhere}
.columns .shared::before{content:"✓ ";color:var(--good-ink);font-weight:700}
.cosine{color:var(--soft);font-variant-numeric:tabular-nums;white-space:nowrap}
.panels+h3{margin-top:1.6rem}.apart{margin-top:1.6rem}.panels+details{margin-top:1rem}.methods dt{overflow-wrap:anywhere}.wide{overflow-x:auto}.wide th{white-space:nowrap}.differences td{white-space:nowrap}.differences .pill{display:inline-block;margin-top:.2rem;font-size:.75rem}
@media (max-width:760px){
main{padding:28px 16px 48px}h1{font-size:1.5rem}.lede{font-size:1.05rem}
.results thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.results,.results tbody,.results tr,.results th,.results td{display:block}
.results tbody tr{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:.7rem .9rem;margin-bottom:.8rem}
.results tbody th{border:0;padding:0 0 .3rem}.results tbody th .count{display:inline}
.results td{display:flex;justify-content:space-between;gap:1rem;padding:.18rem 0;border:0}
.results tr:has(.spread) td:not(:has(.spread)){padding-right:5.4rem}
.results td::before{content:attr(data-label);color:var(--soft);margin-right:auto}
.results td .spread{display:inline;align-self:baseline;font-size:.9em;min-width:4.4rem;text-align:right}
.verdicts li{grid-template-columns:4.5rem 1fr}.verdicts .detail{grid-column:1/-1;color:var(--soft);font-size:.9rem}
.panel{padding:12px}dl div{grid-template-columns:minmax(8rem,1fr) 2fr}}
@media print{.legend input,.reading,details{display:none}.panel{break-inside:avoid}h2,h3{break-after:avoid}}
`.trim();
