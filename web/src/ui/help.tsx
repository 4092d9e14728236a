// Keyboard shortcuts, and what the words on the pages mean.

import { CAUSES, STATES, TERMS } from "../lib/terms";
import { Dialog } from "./dialog";
import { StateBadge } from "./small";

const KEYS: [string, string][] = [
  ["Ctrl K", "find a skill or a command"],
  ["/", "filter this page"],
  ["j  k", "next and previous row"],
  ["Enter", "open the row"],
  ["g o", "overview"],
  ["g a", "what needs attention"],
  ["g s", "all skills"],
  ["g m", "misses of the skill"],
  ["g e", "evidence of the skill"],
  ["t", "next theme: system, light, dark, contrast"],
  ["?", "this help"],
  ["Esc", "close"],
];

export function Help({ close }: { close: () => void }) {
  return (
    <Dialog label="Help" close={close} className="help">
      <div className="dialog-head">
        <h2>Help</h2>
        <button type="button" className="icon" onClick={close} aria-label="Close">
          ×
        </button>
      </div>
      <div className="help-columns" tabIndex={0} role="region" aria-label="Shortcuts and words">
        <div>
          <h3>Keyboard</h3>
          <dl className="keys">
            {KEYS.map(([keys, text]) => (
              <div key={keys}>
                <dt>
                  {keys.split(" ").filter(Boolean).map((key) => (
                    <kbd key={key}>{key}</kbd>
                  ))}
                </dt>
                <dd>{text}</dd>
              </div>
            ))}
          </dl>
          <h3>States</h3>
          <dl className="words">
            {Object.entries(STATES).map(([state, term]) => (
              <div key={state}>
                <dt>
                  <StateBadge state={state} />
                </dt>
                <dd>{term.text}</dd>
              </div>
            ))}
          </dl>
        </div>
        <div>
          <h3>Figures</h3>
          <Words of={Object.values(TERMS).filter((term) => term !== TERMS.state)} />
          <h3>Causes of a miss</h3>
          <Words of={Object.values(CAUSES)} />
        </div>
      </div>
    </Dialog>
  );
}

function Words({ of }: { of: readonly { label: string; text: string }[] }) {
  return (
    <dl className="words">
      {of.map((term) => (
        <div key={term.label}>
          <dt>{term.label}</dt>
          <dd>{term.text}</dd>
        </div>
      ))}
    </dl>
  );
}
