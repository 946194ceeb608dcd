// A provider that fails in several ways, by the word in the prompt.
const tokens = (completion) => ({ total: 9 + completion, prompt: 9, completion });
module.exports = class {
  id() {
    return "outage";
  }
  async callApi(prompt) {
    if (prompt.includes("raises")) return { error: "API error: 503 Service Unavailable" };
    if (prompt.includes("limited")) return { output: "Error: 429 Too Many Requests", tokenUsage: tokens(6) };
    if (prompt.includes("empty")) return { output: "", tokenUsage: tokens(0) };
    if (prompt.includes("mentions")) return { output: "429 means too many requests were sent.", tokenUsage: tokens(8) };
    return { output: "fine", tokenUsage: tokens(1), cached: prompt.includes("again") };
  }
};
