import { it, expect } from 'vitest';
import { resnet } from '../../../src/students/images/resnet.ts';
it('x', async () => {
  for (const [o, n] of [[{depth:20,classes:10},272474],[{depth:8,width:4,classes:100},1233540]] as const) {
    expect(resnet({...o, channels:3,size:32,seed:0}).parameterCount).toBe(n);
  }
  const s = resnet({depth:8,channels:1,size:28,classes:10,seed:0, normalize:{mean:[0.13],std:[0.3]}});
  console.log(s.parameterCount, s.layers);
  const images = Array.from({length:5},(_, i)=>new Uint8Array(784).map((_, k)=>(k*i*7)%256));
  for (const foldBatchNorm of [false,true]) { const e = await s.toEmbedder({foldBatchNorm}); console.log((await e.classify(images)).row(1), (await e.embed([])).columns); await e.release(); }
  console.log(s.toFiles().get('config.json'));
});
