import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseQuestions } from "./questions.ts";

const fixture = (name: string) => readFileSync(new URL(`./fixtures/${name}.jsonl`, import.meta.url), "utf8");

describe("parseQuestions", () => {
  test("hellaswag: the label's title, the halves of the context, no marks", () => {
    const [pencil, plants, kettle] = parseQuestions(fixture("hellaswag"), "file");
    expect(pencil.context).toBe("Sharpening a pencil: A girl sits at a desk with a blunt pencil. She");
    expect(pencil.choices[2]).toBe("pours the window into a cup.");
    expect(pencil.answer).toBe(0);
    expect(plants.context).toBe("Watering plants: A man fills a can at the tap.. He walks to the window. He");
    expect(plants.answer).toBe(1);
    expect(kettle.context).toBe("The kettle whistles on the stove. Someone");
  });

  test("ARC: letters or digits name the choices", () => {
    const questions = parseQuestions(fixture("arc"), "file");
    expect(questions.map(({ answer }) => answer)).toEqual([1, 2, 0]);
    expect(questions[1]).toMatchObject({
      context: "Question: Which of these gives its own light?\nAnswer:",
      choices: ["a mirror", "the moon", "the sun"],
    });
  });

  test("piqa: two solutions", () => {
    const [door] = parseQuestions(fixture("piqa"), "file");
    expect(door).toEqual({
      context: "Question: Keep a door from closing by itself.\nAnswer:",
      choices: ["Put a wedge under it.", "Put a wedge on the roof."],
      answer: 0,
    });
  });

  const row = (change: object) => JSON.stringify({ goal: "g", sol1: "a", sol2: "b", label: 0, ...change });
  test.each([
    ["no JSON", "{", /file, line 1: not JSON/],
    ["no object", "[1]", /line 1: must be a JSON object/],
    ["fields of something else", '{"text": "x"}', /must have the fields of hellaswag.*it has text/],
    ["a secret answer", row({ label: -1 }), /label must be 0 to 1, got -1; is this a split whose answers are kept secret/],
    ["an answer beyond the choices", row({ label: 2 }), /got 2/],
    ["a choice that is no text", row({ sol2: 7 }), /sol2 must be a text, got 7/],
    [
      "a key that is no label",
      '{"question": "q", "choices": {"text": ["x", "y"], "label": ["A", "B"]}, "answerKey": "C"}',
      /"C" is none of A, B/,
    ],
    ["one ending", '{"ctx": "x", "endings": ["y"], "label": 0}', /endings must be a list of 2 to 32 texts/],
    ["nothing", "\n\n", /there is no question in it/],
  ])("refuses %s, with the line", (_, text, message) => {
    expect(() => parseQuestions(text, "file")).toThrow(
      expect.objectContaining({ name: "EvaluateError", code: "bad-task", message: expect.stringMatching(message) }),
    );
  });
});
