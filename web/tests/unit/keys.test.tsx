import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, test, vi } from "vitest";

import { Matcher, moveRow, useShortcuts } from "../../src/lib/keys";

function Page({ keys }: { keys: Record<string, () => void> }) {
  useShortcuts(keys);
  return <input aria-label="field" />;
}

describe("shortcuts", () => {
  test("a key, a sequence, and a key with Control", async () => {
    const [one, seq, mod] = [vi.fn(), vi.fn(), vi.fn()];
    render(<Page keys={{ j: one, "g o": seq, "mod+k": mod }} />);
    await userEvent.keyboard("j");
    await userEvent.keyboard("go");
    await userEvent.keyboard("{Control>}k{/Control}");
    await userEvent.keyboard("{Meta>}k{/Meta}");
    expect([one, seq, mod].map((f) => f.mock.calls.length)).toEqual([1, 1, 2]);
  });

  test("typing into a field runs none of them, Control-K still does", async () => {
    const [one, mod] = [vi.fn(), vi.fn()];
    render(<Page keys={{ j: one, "mod+k": mod }} />);
    await userEvent.click(screen.getByLabelText("field"));
    await userEvent.keyboard("j");
    await userEvent.keyboard("{Control>}k{/Control}");
    expect(one).not.toHaveBeenCalled();
    expect(mod).toHaveBeenCalledTimes(1);
    expect(screen.getByLabelText<HTMLInputElement>("field").value).toBe("j");
  });

  test("an open dialog keeps the keys to itself", async () => {
    const one = vi.fn();
    render(
      <>
        <Page keys={{ j: one }} />
        <dialog open />
      </>,
    );
    await userEvent.keyboard("j");
    expect(one).not.toHaveBeenCalled();
  });

  test("the second key of a sequence must come soon, and another key ends it", () => {
    const keys = { "g o": () => {}, o: () => {} };
    const matcher = new Matcher();
    expect(matcher.match(keys, "g", 0)).toBeNull();
    expect(matcher.match(keys, "o", 5_000)).toBe("o");
    expect(matcher.match(keys, "g", 6_000)).toBeNull();
    expect(matcher.match(keys, "x", 6_100)).toBeNull();
    expect(matcher.match(keys, "o", 6_200)).toBe("o");
    expect(matcher.match(keys, "g", 7_000)).toBeNull();
    expect(matcher.match(keys, "o", 7_500)).toBe("g o");
  });
});

describe("rows", () => {
  test("j and k go through them and stop at the ends", () => {
    render(
      <>
        <a href="/a" data-row="">a</a>
        <a href="/b" data-row="">b</a>
      </>,
    );
    const focused = () => document.activeElement?.textContent;
    moveRow(1);
    expect(focused()).toBe("a");
    moveRow(1);
    moveRow(1);
    expect(focused()).toBe("b");
    moveRow(-1);
    moveRow(-1);
    expect(focused()).toBe("a");
  });

  test("a page without rows does nothing", () => {
    render(<p>empty</p>);
    moveRow(1);
    expect(document.activeElement).toBe(document.body);
  });
});
