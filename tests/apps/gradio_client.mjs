// What a page or a Node program does with a Gradio app: node gradio_client.mjs NODE_MODULES ADDRESS
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [folder, address] = process.argv.slice(2);
const found = createRequire(`${folder}/`).resolve("@gradio/client");
const { Client } = await import(pathToFileURL(found));

const client = await Client.connect(address, { events: ["data", "status"] });
const greet = (await client.predict("/greet", ["node"])).data[0];
const count = [];
for await (const event of client.submit("/count", [4])) {
  if (event.type === "data") count.push(event.data[0]);
  if (event.type === "status" && event.stage === "complete") break;
}
const measure = (await client.predict("/measure", [new Blob(["x".repeat(1_000_000)])])).data[0];
console.log(JSON.stringify({ greet, count: [...new Set(count)], measure, root: client.config.root }));
process.exit(0);
