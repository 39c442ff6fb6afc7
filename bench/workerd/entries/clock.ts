// Time and ids that stand still, so that a replayed request has the same answer every
// time. Imported before the Worker; CLOCK_MS is put in when the entry is bundled.
declare const CLOCK_MS: number;

Date.now = () => CLOCK_MS;
crypto.randomUUID = () => "00000000-0000-0000-0000-000000000000";
