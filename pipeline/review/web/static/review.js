"use strict";

// Keys, the veil over what was revealed, the sign of life that keeps a lock, and the clock of a pause. The pages work without it,
// but for revealing words and correcting stages, which htmx asks for.

const shortcuts = document.body.hasAttribute("data-shortcuts");
const writing = (target) => target.closest("input, textarea, select, [contenteditable]");
const rows = () => [...document.querySelectorAll("[data-row]")];

// The row that the keys work on: the one that holds the focus, or that did before a button in it was replaced.
let last = null;
document.addEventListener("focusin", (event) => {
  const row = event.target.closest("[data-row]");
  if (row) last = row;
});

function current() {
  const focused = document.activeElement && document.activeElement.closest("[data-row]");
  return focused || (last && last.isConnected ? last : null);
}

function move(step, wanted = () => true) {
  const all = rows();
  let index = all.indexOf(current());
  if (index < 0) index = step > 0 ? -1 : all.length;
  for (index += step; index >= 0 && index < all.length; index += step) {
    if (wanted(all[index])) {
      all[index].focus();
      all[index].scrollIntoView({ block: "nearest" });
      return;
    }
  }
}

function choose(number) {
  const radio = document.querySelector(`#decide [data-key="${number}"]`);
  if (!radio) return;
  const folded = radio.closest("details");
  if (folded) folded.open = true;
  radio.checked = true;
  (document.querySelector(`#decide [name="reason-${radio.value}"]`) || radio).focus();
}

function reveal() {
  const row = current();
  if (!row) return;
  const veil = row.querySelector(".veil");
  const shown = row.querySelector("[data-shown]");
  if (veil) veil.click();
  else if (shown) shown.classList.toggle("veiled-again");
}

// Open the stages of the row, or close them and go back to the row.
function mark() {
  const row = current();
  const marks = row && row.querySelector(".marks");
  if (!marks) return;
  marks.open = !marks.open;
  (marks.open ? marks.querySelector("input") : row).focus();
}

const keys = {
  m: mark,
  j: () => move(1),
  k: () => move(-1),
  n: () => move(1, (row) => row.classList.contains("sign")),
  p: () => move(-1, (row) => row.classList.contains("sign")),
  v: () => document.querySelectorAll("[data-shown]").forEach((shown) => shown.classList.add("veiled-again")),
  u: () => {
    const leave = document.getElementById("leave");
    if (leave) leave.requestSubmit();
  },
  "/": () => {
    const search = document.querySelector("[data-search]");
    if (search) search.focus();
  },
  "?": () => document.getElementById("help").showModal(),
  1: () => choose(1),
  2: () => choose(2),
  3: () => choose(3),
  4: () => choose(4),
};

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.ctrlKey && event.target.matches(".marks input")) {
    event.preventDefault(); // it would send the form
    mark();
    return;
  }
  const decide = event.target.closest("#decide");
  if (decide && event.key === "Enter" && event.ctrlKey) {
    event.preventDefault();
    const next = event.shiftKey && decide.querySelector('[name="go"]');
    decide.requestSubmit(...(next ? [next] : []));
    return;
  }
  if (!shortcuts || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.key === "Escape" && event.target.closest(".marks")) {
    last = event.target.closest("[data-row]");
    event.target.closest(".marks").open = false;
    last.focus();
    return;
  }
  if (event.target.matches(".marks input")) {
    if (event.key === "m") mark();
    return;
  }
  if (event.key === "Escape" && writing(event.target)) {
    event.target.blur();
    return;
  }
  if (writing(event.target)) return;
  if (event.key === "Enter" && event.target.matches("li[data-row], [data-shown]")) {
    event.preventDefault();
    if (event.target.matches(".practice")) mark();
    else reveal();
    return;
  }
  const action = keys[event.key];
  if (action) {
    event.preventDefault();
    action();
  }
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-help]")) document.getElementById("help").showModal();
  const shown = event.target.closest("[data-shown]");
  if (shown && !String(getSelection())) shown.classList.toggle("veiled-again");
});

document.addEventListener("change", (event) => {
  const marks = event.target.closest(".marks");
  if (marks) {
    const names = [...marks.querySelectorAll("input:checked")].map((input) => input.dataset.name);
    marks.nextElementSibling.textContent = names.join(", ");
  }
  if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
});

// Which messages are revealed at once: those around the row with the focus, the next ones after it, or all that are shown.
function several(which) {
  const all = rows().filter((row) => row.id);
  const at = Math.max(0, all.indexOf(current()));
  const [first, end] = which === "around" ? [at - 3, at + 4] : which === "next" ? [at, all.length] : [0, all.length];
  const veils = all.slice(Math.max(0, first), end).map((row) => row.querySelector(".veil")).filter(Boolean);
  return veils.slice(0, which === "next" ? 10 : 200).map((veil) => veil.dataset.position).join(" ");
}
document.addEventListener("htmx:configRequest", (event) => {
  if (event.target.id === "several") event.detail.parameters["positions"] = several(event.detail.parameters["which"]);
});

// What was revealed takes the focus of the button that it replaces, so that the keys go on from there.
document.addEventListener("htmx:afterSwap", () => {
  if (document.activeElement === document.body && last && last.isConnected) last.focus({ preventScroll: true });
});
document.addEventListener("htmx:responseError", (event) => {
  if (event.detail.xhr.status !== 401) location.reload();
});

// A page that is left lying is veiled again, and says that it is read only while somebody looks.
const page = document.querySelector("[data-case][data-locked]");
document.addEventListener("visibilitychange", () => {
  if (document.hidden) keys.v();
});
if (page) {
  const token = JSON.parse(document.body.getAttribute("hx-headers"));
  setInterval(() => {
    if (!document.hidden) fetch(`/c/${page.dataset.case}/here`, { method: "POST", headers: token });
  }, 120000);
}

const clock = document.querySelector(".clock");
if (clock) {
  let left = Number(clock.dataset.seconds);
  const ticking = setInterval(() => {
    left -= 1;
    clock.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    if (left <= 0) clearInterval(ticking);
  }, 1000);
}

// How many alerts a day a threshold makes.
const cut = document.getElementById("cut");
if (cut) {
  const shares = JSON.parse(cut.dataset.shares);
  cut.addEventListener("input", () => {
    const count = shares[Math.round(Number(cut.value) * (shares.length - 1))] * Number(cut.dataset.perDay);
    document.getElementById("cut-said").textContent = `At ${Number(cut.value).toFixed(3)}: about ${count.toFixed(1)} a day.`;
  });
}
