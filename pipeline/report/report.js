"use strict";

// Text is shown one message at a time, or a conversation at a time, when somebody asks for it; a second press hides it again.
function show(element, shown) {
  element.classList.toggle("shown", shown);
  if (shown) {
    element.removeAttribute("role");
    element.removeAttribute("aria-label");
  } else {
    element.setAttribute("role", "button");
    element.setAttribute("aria-label", "Hidden text; press to show");
    element.blur();
  }
}

const hidden = (root) => root.querySelectorAll(".words:not(.omitted)");

function toggle(element) {
  if (String(getSelection())) return; // somebody is copying a passage
  show(element, !element.classList.contains("shown"));
}

document.addEventListener("click", (event) => {
  const words = event.target.closest(".words:not(.omitted)");
  if (words) toggle(words);
});

document.addEventListener("keydown", (event) => {
  if ((event.key === "Enter" || event.key === " ") && event.target.matches(".words:not(.omitted)")) {
    event.preventDefault();
    toggle(event.target);
  }
});

for (const button of document.querySelectorAll(".reveal")) {
  button.hidden = false;
  let shown = false;
  const ask = button.textContent;
  button.addEventListener("click", () => {
    shown = !shown;
    for (const element of hidden(button.closest(".conversation"))) show(element, shown);
    button.textContent = shown ? "Hide the text again" : ask;
  });
}

// The filters only hide what is on the page; they change nothing in the results.
const tools = document.querySelector(".tools");
const flagged = document.getElementById("only-flagged");
const stage = document.getElementById("only-stage");
const conversations = [...document.querySelectorAll(".conversation")];

function filter() {
  let matching = 0;
  for (const conversation of conversations) {
    const stages = conversation.dataset.stages.split(" ");
    const matches = (!flagged.checked || conversation.classList.contains("flagged")) && (!stage.value || stages.includes(stage.value));
    conversation.hidden = !matches;
    matching += matches ? 1 : 0;
  }
  document.getElementById("matching").textContent = `${matching} of ${conversations.length} shown`;
}

tools.hidden = false;
tools.addEventListener("change", filter);
tools.addEventListener("submit", (event) => event.preventDefault());

// A link to a message opens the conversation that holds it.
function open() {
  const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  const conversation = target && target.closest(".conversation");
  if (conversation) {
    conversation.open = true;
    target.scrollIntoView();
  }
}
addEventListener("hashchange", open);
open();
