/**
 * The embedding map as it moves: where the teacher has each held-out text, where the student has it, and a line between. Dots glide to new
 * places, unless the reader prefers less motion.
 */
import { element } from '../dom.ts';
import { count } from '../format.ts';

const GLIDE = 500;
const MARGIN = 10;

export class MapCanvas {
  readonly node: HTMLElement;
  readonly #canvas = element('canvas', { role: 'img', 'aria-label': 'Embedding map' });
  readonly #caption = element('figcaption');
  #teacher: Float32Array = new Float32Array();
  #from: Float32Array = new Float32Array();
  #to: Float32Array = new Float32Array();
  #began = 0;
  #frame = 0;

  constructor() {
    this.node = element(
      'figure',
      { class: 'panel' },
      element('h3', {}, 'Embedding map of held-out texts'),
      element(
        'ul',
        { class: 'keys' },
        element('li', {}, element('span', { class: 'swatch ring' }), ' teacher'),
        element('li', {}, element('span', { class: 'swatch', style: 'background:var(--class-0)' }), ' student'),
      ),
      this.#canvas,
      this.#caption,
    );
    new ResizeObserver(() => this.#draw(1)).observe(this.#canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#draw(1));
  }

  /** @param places x, y for each text, in [0, 1] */
  start(places: Float32Array): void {
    this.#teacher = new Float32Array(places);
    [this.#from, this.#to] = [new Float32Array(), new Float32Array()];
    this.#draw(1);
  }

  /** New places of the student's dots. */
  move(places: Float32Array): void {
    this.#from = this.#to.length === places.length ? this.#now(this.#progress()) : places;
    this.#to = new Float32Array(places);
    this.#describe();
    this.#began = performance.now();
    cancelAnimationFrame(this.#frame);
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) {
      this.#began -= GLIDE;
      this.#draw(1);
      return;
    }
    const step = (): void => {
      const progress = this.#progress();
      this.#draw(progress);
      if (progress < 1) this.#frame = requestAnimationFrame(step);
    };
    step();
  }

  #progress(): number {
    return Math.min(1, (performance.now() - this.#began) / GLIDE);
  }

  #now(progress: number): Float32Array {
    const eased = 1 - (1 - progress) ** 3;
    return this.#to.map((to, k) => this.#from[k] + eased * (to - this.#from[k]));
  }

  /** In words, what the picture shows: how many texts lie where the teacher has them. */
  #describe(): void {
    const texts = this.#teacher.length / 2;
    let near = 0;
    for (let i = 0; i < texts; i++) {
      const [dx, dy] = [0, 1].map((axis) => this.#to[2 * i + axis] - this.#teacher[2 * i + axis]);
      if (Math.hypot(dx, dy) < 0.05) near++;
    }
    const words = `The student has ${count(near)} of ${count(texts)} texts near the place that the teacher gives them.`;
    this.#caption.textContent = words;
    this.#canvas.setAttribute('aria-label', `Embedding map. ${words}`);
  }

  #draw(progress: number): void {
    const context = this.#canvas.getContext('2d');
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    if (!context || width === 0) return;
    const ratio = devicePixelRatio;
    const [columns, lines] = [width, height].map((size) => Math.round(size * ratio));
    if (this.#canvas.width !== columns) this.#canvas.width = columns;
    if (this.#canvas.height !== lines) this.#canvas.height = lines;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const side = Math.min(width, height) - 2 * MARGIN;
    const style = getComputedStyle(this.#canvas);
    const [line, soft, accent] = ['--line', '--soft', '--class-0'].map((name) => style.getPropertyValue(name));
    const at = (places: Float32Array, i: number): [number, number] => [
      width / 2 + (places[2 * i] - 0.5) * side,
      height / 2 + (places[2 * i + 1] - 0.5) * side,
    ];
    const student = this.#now(progress);
    const dots = (places: Float32Array, radius: number): void => {
      context.beginPath();
      for (let i = 0; i < places.length / 2; i++) {
        const [x, y] = at(places, i);
        context.moveTo(x + radius, y);
        context.arc(x, y, radius, 0, 2 * Math.PI);
      }
    };
    context.strokeStyle = line;
    context.lineWidth = 1;
    context.beginPath();
    for (let i = 0; i < student.length / 2; i++) {
      context.moveTo(...at(this.#teacher, i));
      context.lineTo(...at(student, i));
    }
    context.stroke();
    context.strokeStyle = soft;
    dots(this.#teacher, 3);
    context.stroke();
    context.fillStyle = accent;
    dots(student, 2.5);
    context.fill();
  }
}
