// Draws /openapi.json: a list of calls, their shapes and examples, and a form to try each.
"use strict";

const METHODS = ["get", "post", "put", "patch", "delete"];

/** An element with attributes and children; text is set as text, never as markup. */
function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value);
  }
  node.append(...children.flat().filter((child) => child != null && child !== false));
  return node;
}

/** Text in which `code` and blank lines mean something. */
function prose(text = "") {
  return text.split(/\n\s*\n/).map((paragraph) => el("p", {}, words(paragraph)));
}

/** A line of it. */
function words(text = "") {
  return text.split("`").map((part, i) => (i % 2 ? el("code", {}, part) : part));
}

const pretty = (value) => JSON.stringify(value, null, 2);

/** A schema's name or type in a few words. */
function typeName(schema = {}) {
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const parts = schema.oneOf || schema.anyOf || schema.allOf;
  if (parts) return parts.map(typeName).join(" | ");
  if (schema.type === "array") return `${typeName(schema.items)}[]`;
  return [schema.type || "any"].flat().join(" | ") + (schema.format ? ` (${schema.format})` : "");
}

/** The rows of a schema's properties, following references once each. */
function shape(schema, all, seen = new Set()) {
  const name = schema.$ref && schema.$ref.split("/").pop();
  if (name) {
    if (seen.has(name)) return null;
    seen.add(name);
    schema = all[name] || {};
  }
  if (schema.type === "array") return shape(schema.items, all, seen);
  const variants = (schema.oneOf || schema.allOf || []).map((part) => shape(part, all, seen));
  if (!schema.properties) return variants.filter(Boolean).length ? variants : null;
  const needed = new Set(schema.required);
  const rows = Object.entries(schema.properties).map(([field, value]) =>
    el("tr", {},
      el("td", {}, el("code", {}, field), needed.has(field) ? "" : " ?"),
      el("td", {}, el("code", {}, typeName(value))),
      el("td", {}, prose(value.description))));
  const inner = Object.values(schema.properties)
    .map((value) => (value.type === "array" ? value.items : value))
    .flatMap((value) => value.$ref ? [value] : (value.oneOf || []).filter((part) => part.$ref))
    .map((value) => [value.$ref.split("/").pop(), shape(value, all, seen)])
    .filter(([, drawn]) => drawn)
    .map(([title, drawn]) => el("details", {}, el("summary", {}, el("code", {}, title)), drawn));
  return el("div", {}, el("table", {}, rows), inner);
}

function content(body) {
  const [media, value] = Object.entries((body && body.content) || {})[0] || [];
  return media && { media, ...value };
}

function responses(operation, all, shared) {
  return Object.entries(operation.responses).map(([status, said]) => {
    const response = said.$ref ? shared[said.$ref.split("/").pop()] : said;
    const body = content(response);
    const examples = Object.entries((body && body.examples) || {});
    return el("details", {},
      el("summary", {}, el("code", {}, status), ` ${response.description}`),
      body && !examples.length && shape(body.schema || {}, all),
      body && body.example !== undefined && el("pre", {}, pretty(body.example)),
      examples.map(([slug, example]) => el("div", {},
        el("p", {}, el("a", { href: `/problems/${slug}` }, example.summary || slug)),
        el("pre", {}, pretty(example.value)))));
  });
}

/** A form that makes the call, with the token from the side bar. */
function tryIt(method, path, operation, body) {
  const parameters = operation.parameters || [];
  const inputs = parameters.map((parameter) =>
    [parameter, el("input", { placeholder: parameter.example || "", "aria-label": parameter.name })]);
  const text = body && el("textarea", { rows: 6, "aria-label": "body" });
  if (text) text.value = pretty(body.example);
  const answer = el("pre", { hidden: "" });
  const call = async () => {
    let url = path;
    const query = new URLSearchParams();
    const headers = {};
    const token = document.getElementById("token").value.trim();
    if (token && operation.security) headers.authorization = `Bearer ${token}`;
    if (text) headers["content-type"] = "application/json";
    for (const [parameter, input] of inputs) {
      const value = input.value || (parameter.in === "path" ? input.placeholder : "");
      if (parameter.in === "path") url = url.replace(`{${parameter.name}}`, encodeURIComponent(value));
      else if (!value) continue;
      else if (parameter.in === "query") query.set(parameter.name, value);
      else headers[parameter.name] = value;
    }
    if ([...query].length) url += `?${query}`;
    answer.hidden = false;
    answer.textContent = "…";
    try {
      const response = await fetch(url, { method: method.toUpperCase(), headers, body: text && text.value });
      const said = await response.text();
      let shown = said;
      try { shown = pretty(JSON.parse(said)); } catch { /* shown as it came */ }
      answer.textContent = `${method.toUpperCase()} ${url}\n${response.status} ${response.statusText}\n\n${shown}`;
      const session = operation.operationId === "login" && response.ok && JSON.parse(said);
      if (session) document.getElementById("token").value = session.access_token;
    } catch (error) {
      answer.textContent = String(error);
    }
  };
  return el("details", {}, el("summary", {}, "Try it"),
    inputs.map(([parameter, input]) => el("label", {}, `${parameter.name} (${parameter.in})`, input)),
    text && el("label", {}, "body", text),
    el("button", { type: "button", onclick: call }, "Send"), answer);
}

function call(method, path, operation, all, shared) {
  const body = content(operation.requestBody);
  const parameters = operation.parameters || [];
  const open = operation.security && !operation.security.some((one) => !Object.keys(one).length);
  return el("article", { id: operation.operationId }, el("details", {},
    el("summary", {},
      el("span", { class: `method ${method}` }, method.toUpperCase()),
      el("span", { class: "path" }, path),
      el("span", { class: "summary" }, words(operation.summary))),
    el("div", { class: "inside" },
      operation.description ? prose(operation.description) : null,
      open ? el("p", {}, "Needs an access token.") : null,
      parameters.length ? [el("h3", {}, "Parameters"), el("table", {}, parameters.map((parameter) =>
        el("tr", {}, el("td", {}, el("code", {}, parameter.name), parameter.required ? "" : " ?"),
          el("td", {}, parameter.in), el("td", {}, el("code", {}, typeName(parameter.schema))),
          el("td", {}, prose(parameter.description)))))] : null,
      body ? [el("h3", {}, "Body"), shape(body.schema, all), el("pre", {}, pretty(body.example))] : null,
      el("h3", {}, "Answers"), responses(operation, all, shared),
      tryIt(method, path, operation, body))));
}

function draw(api) {
  const { schemas: all = {}, responses: shared = {} } = api.components || {};
  const nav = document.getElementById("nav");
  const main = document.getElementById("main");
  nav.append(
    el("p", {}, el("a", { href: "/openapi.json" }, "openapi.json"), el("a", { href: "/problems" }, "Problems")),
    el("label", {}, "Access token (kept on this page only)", el("input", { id: "token", type: "password", autocomplete: "off" })));
  main.replaceChildren(el("h1", {}, `${api.info.title} ${api.info.version}`), ...prose(api.info.description));
  for (const tag of api.tags || []) {
    const calls = Object.entries(api.paths).flatMap(([path, item]) =>
      METHODS.filter((method) => item[method] && item[method].tags.includes(tag.name))
        .map((method) => [method, path, item[method]]));
    nav.append(el("h2", {}, tag.name), ...calls.map(([, , operation]) =>
      el("a", { href: `#${operation.operationId}` }, operation.operationId)));
    main.append(el("section", { class: "group" }, el("h2", {}, tag.name), el("p", {}, tag.description),
      calls.map(([method, path, operation]) => call(method, path, operation, all, shared))));
  }
  const reveal = () => {
    const article = document.getElementById(location.hash.slice(1));
    const details = article && article.querySelector("details");
    if (details) { details.open = true; article.scrollIntoView(); }
  };
  addEventListener("hashchange", reveal);
  reveal();
}

fetch("/openapi.json").then((response) => response.json()).then(draw).catch((error) => {
  document.getElementById("main").replaceChildren(el("p", {}, `The document could not be read: ${error}`));
});
