// A Space's page while it lives: its stage every two seconds, its logs as they are written.
const space = document.getElementById("space");
const frame = document.getElementById("app");
const badge = document.querySelector("[data-stage]");
const PAUSE_MS = 2000;

function follow(log) {
  log.textContent = "";
  const source = new EventSource(log.dataset.log);
  source.onmessage = (event) => {
    const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 4;
    log.append(JSON.parse(event.data).data.replace(/\n?$/, "\n"));
    if (atEnd) log.scrollTop = log.scrollHeight;
  };
  // The hub ends the stream with the log; the browser would ask for all of it again.
  source.onerror = () => source.close();
  return source;
}

function followAll() {
  return [...document.querySelectorAll("[data-log]")].map(follow);
}

let streams = followAll();

async function look() {
  const answer = await fetch(space.dataset.stageAddress);
  if (!answer.ok) return;
  const { stage, sha } = await answer.json();
  const before = space.dataset.stage;
  if (stage === before && sha === (space.dataset.sha ?? sha)) {
    space.dataset.sha = sha ?? "";
    return;
  }
  Object.assign(space.dataset, { stage, sha: sha ?? "" });
  badge.textContent = stage;
  badge.className = `badge ${stage.startsWith("RUNNING") ? "good" : stage.endsWith("ERROR") ? "bad" : "busy"}`;
  frame.src = frame.src;
  streams.forEach((stream) => stream.close());
  streams = followAll();
}

setInterval(() => {
  if (!document.hidden) look().catch(() => {});
}, PAUSE_MS);
