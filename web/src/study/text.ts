/** Pictures of text for the study, drawn by the fonts of this device. */

export interface TextPicture {
  readonly name: string;
  readonly font: string;
  readonly lines: readonly string[];
}

/** Small print, as one photographs it: signs, a page, a table, a label. */
export const TEXT_PICTURES: readonly TextPicture[] = [
  {
    name: "text-serif",
    font: "11px Georgia, 'Times New Roman', serif",
    lines: [
      "It was the best of times,",
      "it was the worst of times,",
      "it was the age of",
      "wisdom, it was the age",
      "of foolishness, it was",
      "the epoch of belief.",
    ],
  },
  {
    name: "text-sans",
    font: "12px Arial, Helvetica, sans-serif",
    lines: [
      "Platform 7",
      "10:42  Busan",
      "10:55  Daejeon",
      "11:08  Gangneung",
      "Please mind the gap",
      "between the doors.",
    ],
  },
  {
    name: "text-small",
    font: "9px Verdana, Arial, sans-serif",
    lines: [
      "Ingredients: oats, almonds,",
      "honey, salt, sunflower oil.",
      "Store in a cool, dry place.",
      "Best before: see lid.",
      "Energy 1843 kJ / 440 kcal",
      "Fat 17 g  Fibre 9.1 g",
      "Protein 12 g  Salt 0.02 g",
    ],
  },
  {
    name: "text-mono",
    font: "10px 'Courier New', monospace",
    lines: [
      "No.  4471-0082",
      "Qty  Item      EUR",
      "2    Coffee   5.60",
      "1    Cake     3.90",
      "     Total    9.50",
      "     VAT 19%  1.52",
    ],
  },
  {
    name: "text-korean",
    font: "13px 'Apple SD Gothic Neo', 'Malgun Gothic', 'Noto Sans KR', 'Noto Sans CJK KR', sans-serif",
    lines: [
      "다람쥐 헌 쳇바퀴에",
      "타고파. 키스의 고유",
      "조건은 입술끼리 만나",
      "야 하고 특별한 기술",
      "은 필요치 않다.",
    ],
  },
  {
    name: "text-inverse",
    font: "bold 12px Arial, Helvetica, sans-serif",
    lines: [
      "EMERGENCY EXIT",
      "Push bar to open",
      "Alarm will sound",
      "Floor 3 · Room 318",
      "No entry after 22:00",
    ],
  },
];

/** Drawn larger and shrunk, as a camera sees letters: no letter fits the grid of pixels. */
const OVERSAMPLING = 4;

/**
 * Draws a text on paper, or light on dark for those whose name says so.
 *
 * @param side of the square, in pixels
 */
export function drawText(picture: TextPicture, side: number): ImageData {
  const canvas = new OffscreenCanvas(side * OVERSAMPLING, side * OVERSAMPLING);
  const context = canvas.getContext("2d", { alpha: false });
  if (!context) throw new Error("no 2d canvas");
  const dark = picture.name.endsWith("inverse");
  context.fillStyle = dark ? "#17402b" : "#f4f1ea";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = dark ? "#f2f2ee" : "#24211f";
  context.font = picture.font.replace(/(\d+)px/, (_, size) => `${Number(size) * OVERSAMPLING}px`);
  context.textBaseline = "middle";
  const height = canvas.height / (picture.lines.length + 1);
  picture.lines.forEach((line, index) => {
    context.fillText(line, 5 * OVERSAMPLING, height * (index + 1));
  });
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  return new ImageData(shrink(data, side), side, side);
}

/** The mean of each square of pixels. */
function shrink(rgba: Uint8ClampedArray, side: number): Uint8ClampedArray<ArrayBuffer> {
  const out = new Uint8ClampedArray(side * side * 4);
  const row = side * OVERSAMPLING * 4;
  for (let at = 0; at < out.length; at++) {
    const pixel = Math.floor(at / 4);
    const x = (pixel % side) * OVERSAMPLING * 4 + (at % 4);
    const from = Math.floor(pixel / side) * OVERSAMPLING * row + x;
    let sum = 0;
    for (let dy = 0; dy < OVERSAMPLING; dy++) {
      for (let dx = 0; dx < OVERSAMPLING; dx++) sum += rgba[from + dy * row + dx * 4] as number;
    }
    out[at] = sum / OVERSAMPLING ** 2;
  }
  return out;
}
