// Calls operations through openapi-fetch with the generated types, one for each line of the input.
//
// A line is {"method", "route", "key", "path", "query", "body", "text"}; the answer is {"status", "raw", "parsed"}: the
// body as text, and as the client returned it.
import { createInterface } from "node:readline";
import createClient from "openapi-fetch";
import type { paths } from "./schema.js";

type Sent = {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  route: string;
  key: string;
  path: Record<string, string>;
  query: Record<string, string | number | boolean>;
  body?: unknown;
  text: boolean;
  patterns?: string[];
};
type Untyped = (route: string, init: object) => Promise<{ data?: unknown; error?: unknown; response: Response }>;

const client = createClient<paths>({ baseUrl: process.argv[2] ?? "" });
let raw = "";
client.use({
  async onResponse({ response }) {
    raw = await response.clone().text();
  },
});

async function call(sent: Sent): Promise<object> {
  for (const pattern of sent.patterns ?? []) new RegExp(pattern, "u");
  if (sent.patterns) return { status: 200, raw: "", parsed: null };
  // The route varies here; answers.ts holds each request and answer against its own type.
  const method = client[sent.method] as unknown as Untyped;
  const { data, error, response } = await method(sent.route, {
    params: { path: sent.path, query: sent.query },
    headers: sent.key ? { "X-API-Key": sent.key } : {},
    ...(sent.body === undefined ? {} : { body: sent.body }),
    ...(sent.text ? { parseAs: "text" } : {}),
  });
  return { status: response.status, raw, parsed: data ?? error ?? null };
}

for await (const line of createInterface({ input: process.stdin })) {
  try {
    console.log(JSON.stringify(await call(JSON.parse(line) as Sent)));
  } catch (error) {
    console.log(JSON.stringify({ status: 0, raw: "", parsed: null, error: String(error) }));
  }
}
