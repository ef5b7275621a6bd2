// Checks a trained model from the side that will serve it:
// 1. @huggingface/tokenizers gives the same ids as the Python that trained it,
// 2. onnxruntime-node gives the probe vectors (which the recipe computed as a weighted sum over the
//    table and the scales, so that a host may do without the runtime),
// and prints how long a text of 64 tokens takes.
//
//   node models/training/shunt-mini/check.mjs models/shunt-mini/1 [texts.jsonl]
//
// Run it where @huggingface/tokenizers and onnxruntime-node are installed.
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Tokenizer } from "@huggingface/tokenizers"
import { InferenceSession, Tensor } from "onnxruntime-node"

const [folder, textFile] = process.argv.slice(2)
const tokenizer = new Tokenizer(JSON.parse(readFileSync(join(folder, "tokenizer.json"), "utf8")), {})
const { probes } = JSON.parse(readFileSync(join(folder, "probes.json"), "utf8"))

const texts = [...probes.map((probe) => probe.text), ...strangeTexts(3000)]
if (textFile) for (const line of readFileSync(textFile, "utf8").split("\n")) if (line) texts.push(textOf(JSON.parse(line)))
const differing = texts.filter((text, i) => JSON.stringify(tokenizer.encode(text).ids) !== JSON.stringify(pythonIds(texts)[i]))
console.log(`tokenizer: ${texts.length} texts, ${differing.length} differ`)
for (const text of differing.slice(0, 5)) console.log("  ", JSON.stringify(text))

const card = readFileSync(join(folder, "model.yaml"), "utf8")
const maxTokens = Number(/^max_tokens: (\d+)/m.exec(card)[1])
const session = await InferenceSession.create(join(folder, "model.onnx"), { intraOpNumThreads: 1, interOpNumThreads: 1 })
let worst = 1
for (const { text, vector } of probes) worst = Math.min(worst, dot(await embed(text), vector))
console.log(`probes: ${probes.length}, least cosine ${worst.toFixed(6)}`)

const prompt = "please compare these two answers and tell me which one you would send to the customer ".repeat(4)
for (let i = 0; i < 300; i++) await embed(prompt)
const began = performance.now()
for (let i = 0; i < 1000; i++) await embed(prompt)
const micros = performance.now() - began
console.log(`onnxruntime: ${micros.toFixed(0)} µs for ${tokenizer.encode(prompt).ids.length} tokens, tokenisation included`)
if (differing.length > 0 || worst < 0.9999) process.exitCode = 1

async function embed(text) {
  const all = tokenizer.encode(text).ids
  const tail = maxTokens >> 1 // head and tail of a longer text, as the card's "truncation: middle" says
  const ids = all.length <= maxTokens ? all : [...all.slice(0, maxTokens - tail), ...all.slice(-tail)]
  const shape = [1, ids.length]
  const output = await session.run({
    input_ids: new Tensor("int64", BigInt64Array.from(ids, BigInt), shape),
    attention_mask: new Tensor("int64", new BigInt64Array(ids.length).fill(1n), shape),
  })
  return output.sentence_embedding.data
}

function dot(a, b) {
  return a.reduce((sum, x, i) => sum + x * b[i], 0)
}

function textOf(row) {
  return typeof row === "string" ? row : (row.text ?? row.a ?? "")
}

function pythonIds(all) {
  pythonIds.ids ??= spawnSync("python3", [fileURLToPath(new URL("tokenize_lines.py", import.meta.url)), join(folder, "tokenizer.json")], {
    input: all.map((text) => JSON.stringify(text)).join("\n"),
    maxBuffer: 1e9,
    encoding: "utf8",
  })
    .stdout.trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line))
  return pythonIds.ids
}

// Random text from many blocks of Unicode, from code, and the awkward cases by hand.
function strangeTexts(count) {
  const blocks = [[32, 126], [32, 126], [9, 13], [160, 383], [384, 591], [768, 879], [880, 1327], [1424, 1791], [2304, 2431], [3584, 3711], [4352, 4607],
    [8192, 8303], [8352, 8703], [9472, 9983], [12288, 12543], [19968, 20991], [44032, 44287], [64256, 64279], [65024, 65039], [65280, 65519], [127744, 128767], [119808, 119911]]
  let seed = 1
  const random = (n) => (seed = (seed * 48271) % 2147483647) % n
  const byHand = ["", " ", "\n\t", "x".repeat(100), "a ".repeat(5000), "=".repeat(500), "don't DON’T it's '' 's", "İstanbul ΣΑΣ ß ẞ ﬁ ½ ™ …", "e\u0301 n\u0303", "👩‍👩‍👧‍👦 🇫🇷 1️⃣", "const f=(x)=>x?.y??`${z}`;", "\u0000\u0007\ufeff\u200b", "[UNK][PAD]", "##ing ## #"]
  while (byHand.length < count) {
    let text = ""
    for (let i = random(40); i >= 0; i--) {
      const [low, high] = blocks[random(blocks.length)]
      for (let j = random(6); j >= 0; j--) text += String.fromCodePoint(low + random(high - low + 1))
      if (random(3) === 0) text += " "
    }
    byHand.push(text)
  }
  return byHand
}
