// @huggingface/hub against the local hub: node hub_client.mjs NODE_MODULES ENDPOINT TOKEN TYPE
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [folder, hubUrl, accessToken, type] = process.argv.slice(2);
const hub = await import(pathToFileURL(createRequire(`${folder}/`).resolve("@huggingface/hub")));
const repo = { type, name: "local/js" };
const asked = { hubUrl, accessToken, repo };

const contents = { "a b/ü.txt": "héllo", "empty.txt": "", "large.bin": "x".repeat(11_000_000) };
await hub.createRepo({ ...asked, private: true, sdk: type === "space" ? "static" : undefined });
for (const useXet of [true, false]) {
  const files = Object.entries(contents).map(([path, text]) => ({
    path: `${useXet}/${path}`,
    content: new Blob([text + (text && useXet)]),
  }));
  await hub.uploadFiles({ ...asked, useXet, files });
}
await hub.deleteFile({ ...asked, path: "false/a b/ü.txt" });

const paths = [];
for await (const file of hub.listFiles({ ...asked, recursive: true })) {
  if (file.type === "file") paths.push(file.path);
}
const sizes = {};
for (const path of paths.filter((found) => found.includes("/"))) {
  const file = await hub.downloadFile({ ...asked, path });
  sizes[path] = (await file.text()).length;
}
const describe = { model: hub.modelInfo, dataset: hub.datasetInfo, space: hub.spaceInfo }[type];
const info = await describe({ ...asked, name: repo.name });
console.log(
  JSON.stringify({
    user: (await hub.whoAmI(asked)).name,
    name: info.name,
    private: info.private,
    missing: await hub.downloadFile({ ...asked, path: "nope" }),
    sizes,
    commits: await hub.countCommits({ ...asked, revision: "main" }),
  }),
);
