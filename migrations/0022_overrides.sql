-- What the gate signed of a choice that overrides what was approved; empty for every other choice.
ALTER TABLE decisions ADD COLUMN signed text NOT NULL DEFAULT '';
