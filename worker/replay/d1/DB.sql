CREATE TABLE IF NOT EXISTS conversations (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  summary TEXT,
  token_count INTEGER DEFAULT 0
);
CREATE TABLE IF NOT EXISTS messages (
  id TEXT PRIMARY KEY,
  conversation_id TEXT NOT NULL REFERENCES conversations(id),
  role TEXT NOT NULL CHECK (role IN ('user', 'assistant', 'tool')),
  content TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  token_count INTEGER DEFAULT 0
);
CREATE INDEX IF NOT EXISTS idx_messages_conversation
ON messages (conversation_id, created_at DESC);
CREATE INDEX IF NOT EXISTS idx_conversations_tenant
ON conversations (tenant_id, updated_at DESC);
INSERT INTO conversations (id, tenant_id, created_at, updated_at, token_count) VALUES ('conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'northwind-care', 1789000000, 1789002042, 5973);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_c5c74f3b7d7f7fca7b16c881', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'user', 'How many of the backup tapes from last month were affected because the legal hold was not lifted?', 1789000891, 25);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_3f2e3be40e4a5ad2108b575c', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'assistant', 'Good question — here is what applies to data retention. First I would keep a proof of deletion without the data itself, and then note it in the archive. About 23 % of customer exports in Malmö needed a second call last month. If the legal hold was not lifted, the case goes to the onboarding team and stays open.

In short, the compliance officer should delete the delivered export at the start of every shift. The limit is €25 per case, which Søren Lindqvist can raise.

- **Backup tapes**: First I would delete the delivered export, and then note it in the quality portal.
- **Closed cases**: In short, the duty manager should mark the case for deletion as soon as the case is opened.

The same applies to closed cases that the night shift handles for a partner. New staff mark the case for deletion under supervision for 9 weeks before they work alone.

Priya Raman, who leads the billing desk in Zürich, approves every change to this section. Since April 2025, closed cases that need a second look are sent to Priya Raman. The partner desk shares the risk register with the office in Leeds, so that a customer gets the same answer at any hour. It is not enough to mark the case for deletion; the team lead also records who agreed and when. If a customer asks, the shift supervisor explains in plain words why we mark the case for deletion.', 1789000899, 338);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_5e8e42cbeec7b6ba91dfa3d2', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'user', 'How many of the deletion requests from last quarter were affected because a copy was left in a shared folder?', 1789000981, 28);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_3d95669e26ac634f6e8bd7d8', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'assistant', 'I checked the consent register and the Partner Agreement — this is what they say. The limit is £1,200 per case, which Zoë Muñoz can raise. If a copy was left in a shared folder, the case goes to the partner desk and stays open. There is one exception: an audit is under way.

In short, the duty manager should mark the case for deletion at the start of every shift.

- **Deletion requests**: In short, the shift supervisor should delete the delivered export before the call ends.
- **Customer exports**: About 61 % of backup tapes in Málaga needed a second call last week.
- **Backup tapes**: Your last 211 backup tapes show the same pattern, mostly because a copy was left in a shared folder.

If a customer asks, the team lead explains in plain words why we delete the delivered export. The duty manager must mark the case for deletion before anything is promised.', 1789000985, 218);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_6c390cb4572f9dc3bca876fb', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'user', 'And what changes if an audit is under way?', 1789001032, 11);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_94e6e6230b648fb683860e40', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'assistant', 'Good question — here is what applies to escalations. The limit is €2,500 per case, which Grace Okafor can raise. Your last 270 duty manager calls show the same pattern, mostly because the transfer was cold.

If the transfer was cold, the case goes to the billing desk and stays open. The rule is in section 5.7 of the Partner Agreement. In short, the shift supervisor should stay on the line until the transfer is accepted on the same working day.

- **Warm transfers**: If the duty manager was not on the rota, the case goes to the fraud desk and stays open.
- **Duty manager calls**: The rule is in section 5.8 of the Retention Schedule.

Escalated cases are kept for six months and then deleted, unless an audit is under way. Tom Hadley, who leads the billing desk in Cork, approves every change to this section. The team lead must stay on the line until the transfer is accepted as soon as the case is opened. Since September 2023, reopened tickets that need a second look are sent to Søren Lindqvist. The same applies to duty manager calls that the partner desk handles for a partner.

Exceptions are rare: in 2022 there were 275 among all escalated cases. If a customer asks, the compliance officer explains in plain words why we page the duty manager.', 1789001040, 316);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_7c696f14268374286ac2d399', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'user', 'Summarise the rule about reopened tickets for the onboarding team, please.', 1789001066, 19);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_c438a1ca4bf4f0c33ba37768', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'assistant', 'Good question — here is what applies to escalations. The customer said “nobody called me back”, so it is better to page the duty manager. There is one exception: an audit is under way. The rule is in section 7.5 of the Retention Schedule. About 40 % of warm transfers in São Paulo needed a second call last week. First I would page the duty manager, and then note it in the archive.

If the transfer was cold, the case goes to the night shift and stays open. In short, the team lead should write a summary of three sentences before anything is promised.', 1789001070, 140);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_d90cca060fa995a9eeafdfff', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'user', 'Is there a limit for duty manager calls, or is €25 fine?', 1789001081, 15);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_4e9910bc0a213a0a29a6a7b4', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'assistant', 'Yes, with one condition… let me explain. Your last 87 warm transfers show the same pattern, mostly because the duty manager was not on the rota. The rule is in section 3.5 of the Conduct Rules.', 1789001082, 49);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_7e2f9a573c476a6c034bb8fb', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'user', 'How many of the warm transfers from last month were affected because the summary was missing?

> No case is closed where the duty manager was not on the rota — the duty manager still has to write a summary of three sentences. If a customer asks, the compliance officer explains in plain words why we page the duty manager. The same applies to reopened tickets that the partner desk handles for a partner. It is not enough to page the duty manager; the quality reviewer also records who agreed and when.

Since January 2025, warm transfers that need a second look are sent to Priya Raman. Exceptions are rare: in 2025 there were 265 among all duty manager calls. In April 2024 the audit found that 67 % of reopened tickets did not meet this rule, mostly because the duty manager was not on the rota. New staff write a summary of three sentences under supervision for 5 weeks before they work alone.

A sample of 300 escalated cases is checked each week; a score under 78 % leads to coaching within 9 days. Section 7.2 of the Contact Centre Handbook sets the limit at €25 per case. The fraud desk shares the quality portal with the office in Lyon, so that a customer gets the same answer at any hour. Warm transfers are kept for 30 days and then deleted, unless an audit is under way.

Where the summary was missing, the case owner should page the duty manager and note the reason in the risk register. Priya Raman, who leads the billing desk in Zürich, approves every change to this section. The team lead must page the duty manager on the same working day. When a caller says “your café account is not mine”, the agent stops, checks the archive and only then decides whether to page the duty manager.

Exceptions are rare: in 2022 there were 315 among all duty manager calls. Søren Lindqvist, who leads the retention team in Zürich, approves every change to this section. New staff write a summary of three sentences under supervision for 2 weeks before they work alone.

It is not enough to write a summary of three sentences; the quality reviewer also records who agreed and when. Escalated cases are kept for 30 days and then deleted, unless the law of the country asks for longer.

Since September 2022, reopened tickets that need a second look are sent to Zoë Muñoz. Where the transfer was cold, the shift supervisor should stay on the line until the transfer is accepted and note the reason in the case log.', 1789001170, 607);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_307a4cefa938cc428877b0df', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'assistant', 'Good question — here is what applies to escalations. In short, the agent should write a summary of three sentences at the start of every shift. If the summary was missing, the case goes to the billing desk and stays open.

There is one exception: an audit is under way. First I would write a summary of three sentences, and then note it in the risk register. The customer said “nobody called me back”, so it is better to write a summary of three sentences.

Your last 367 duty manager calls show the same pattern, mostly because the transfer was cold. We keep duty manager calls for 30 days, unless an audit is under way.

- **Warm transfers**: The rule is in section 6.9 of the Conduct Rules.
- **Duty manager calls**: The rule is in section 8.7 of the Privacy Notice.

The onboarding team shares the shift handbook with the office in Zürich, so that a customer gets the same answer at any hour. When a caller says “I only want to know what happens next”, the quality reviewer stops, checks the shift handbook and only then decides whether to write a summary of three sentences.

The team lead must stay on the line until the transfer is accepted as soon as the case is opened. In June 2022 the audit found that 81 % of duty manager calls did not meet this rule, mostly because the duty manager was not on the rota. Where the duty manager was not on the rota, the team lead should page the duty manager and note the reason in the risk register. It is not enough to stay on the line until the transfer is accepted; the shift supervisor also records who agreed and when. Priya Raman, who leads the onboarding team in Málaga, approves every change to this section.

Section 3.7 of the Privacy Notice sets the limit at £40 per case.', 1789001176, 436);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_58458bd8fdd731184e665a78', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'user', 'How many of the duty manager calls from last quarter were affected because the summary was missing?', 1789001225, 25);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_e707f95bb6b232417199da42', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'assistant', 'Good question — here is what applies to escalations. There is one exception: an audit is under way. If the duty manager was not on the rota, the case goes to the night shift and stays open. The limit is £40 per case, which Priya Raman can raise. In short, the duty manager should stay on the line until the transfer is accepted as soon as the case is opened.

About 72 % of reopened tickets in Málaga needed a second call last month.

- **Duty manager calls**: The customer said “your café account is not mine”, so it is better to stay on the line until the transfer is accepted.
- **Warm transfers**: The limit is €25 per case, which Łukasz Nowak can raise.

Section 9.2 of the Privacy Notice sets the limit at $75 per case. The retention team shares the shift handbook with the office in Leeds, so that a customer gets the same answer at any hour.

In September 2025 the audit found that 45 % of reopened tickets did not meet this rule, mostly because the duty manager was not on the rota. Since September 2025, warm transfers that need a second look are sent to Tom Hadley.

If a customer asks, the shift supervisor explains in plain words why we page the duty manager.', 1789001226, 296);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_62e0c10ad67e7d25db77e505', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'user', 'And what changes if the law of the country asks for longer?', 1789001234, 15);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_65a2002bbc36fe876c2e55f0', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'assistant', 'Yes, with one condition… let me explain. If the sample held no transferred calls, the case goes to the billing desk and stays open. The limit is €25 per case, which Jürgen Weiß can raise.

First I would score the call against the current sheet, and then note it in the archive. Your last 174 scored calls show the same pattern, mostly because the sample held no transferred calls.

We keep scored calls for two years, unless a legal hold applies.

- **Scored calls**: First I would share the score sheet with the agent, and then note it in the quality portal.
- **Calibration rounds**: First I would score the call against the current sheet, and then note it in the case log.
- **Scored calls**: The customer said “nobody called me back”, so it is better to listen to the whole call and not only to the flagged minute.
- **Score disputes**: The customer said “I already explained this yesterday”, so it is better to score the call against the current sheet.

In September 2022 the audit found that 45 % of score disputes did not meet this rule, mostly because the sample held no transferred calls. No case is closed where two reviewers disagreed by more than ten points — the compliance officer still has to score the call against the current sheet.', 1789001240, 317);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_0d663ae6b8cfe6bc57163ddd', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'user', 'Which section of the Conduct Rules covers score disputes?', 1789001303, 15);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_a6d456fbb69f98423e404ead', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'assistant', 'Good question — here is what applies to quality monitoring. There is one exception: the law of the country asks for longer. The customer said “I only want to know what happens next”, so it is better to share the score sheet with the agent. We keep calibration rounds for five years, unless the customer has asked for a copy. Your last 390 scored calls show the same pattern, mostly because two reviewers disagreed by more than ten points.

First I would share the score sheet with the agent, and then note it in the case log.', 1789001304, 133);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_5749506ca59d931cd53e0f7c', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'user', 'Which section of the Conduct Rules covers score disputes?', 1789001385, 15);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_fc0545512bba7bd8098bf3f0', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'assistant', 'Yes, with one condition… let me explain. About 53 % of coaching sessions in Málaga needed a second call last month. We keep scored calls for six months, unless a legal hold applies.

The limit is €150 per case, which Amélie Fournier can raise. There is one exception: a legal hold applies.

- **Scored calls**: About 6 % of score disputes in Cork needed a second call last month.
- **Calibration rounds**: The limit is €25 per case, which Jürgen Weiß can raise.
- **Scored calls**: First I would score the call against the current sheet, and then note it in the archive.
- **Calibration rounds**: The customer said “your café account is not mine”, so it is better to score the call against the current sheet.', 1789001388, 181);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_763a18ff41b8e177c4bf31a9', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'user', 'What should the shift supervisor do if two reviewers disagreed by more than ten points?', 1789001423, 22);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_f5e2e18101c85c68419c47d8', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'assistant', 'Good question — here is what applies to quality monitoring. There is one exception: a complaint is still open. If the sample held no transferred calls, the case goes to the billing desk and stays open.', 1789001424, 51);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_745c184bfd8186ca7bd034c1', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'user', 'Can the night shift score the call against the current sheet without asking Grace Okafor?', 1789001446, 23);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_e2c71e7d7af0eddeae0dd2d2', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'assistant', 'Good question — here is what applies to quality monitoring. The customer said “nobody called me back”, so it is better to score the call against the current sheet. The rule is in section 9.4 of the Retention Schedule. There is one exception: the customer has asked for a copy. About 46 % of scored calls in Zürich needed a second call last week.

- **Score disputes**: In short, the agent should listen to the whole call and not only to the flagged minute on the same working day.
- **Coaching sessions**: We keep scored calls for 13 months, unless a complaint is still open.

The team lead must score the call against the current sheet while the customer is on the line. Exceptions are rare: in 2026 there were 39 among all scored calls.

Since January 2026, coaching sessions that need a second look are sent to Zoë Muñoz. A sample of 164 score disputes is checked each week; a score under 45 % leads to coaching within 3 days.

If a customer asks, the agent explains in plain words why we listen to the whole call and not only to the flagged minute.', 1789001451, 266);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_22a67518cd818c198ddc5d96', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'user', 'Can the billing desk name a case owner in the reply without asking Jürgen Weiß?', 1789001461, 21);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_91c7cdf8536ff67376cf661d', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'assistant', 'Good question — here is what applies to complaints. The customer said “your café account is not mine”, so it is better to acknowledge the complaint in writing. The rule is in section 9.8 of the Retention Schedule. We keep ombudsman cases for two years, unless a complaint is still open.', 1789001466, 74);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_ce9deb577ba7068adf562c76', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'user', 'How long do we keep ombudsman cases?', 1789001537, 9);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_5b904b14b75acfa5d4f684f2', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'assistant', 'Here is the short version for Zürich — the details follow. 📞 There is one exception: an audit is under way. If the reply did not mention the ombudsman, the case goes to the partner desk and stays open. About 12 % of open complaints in Malmö needed a second call last quarter.', 1789001543, 71);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_39e368f1c5951b8451733be2', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'user', 'Which section of the Conduct Rules covers open complaints?', 1789001591, 15);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_9067feff046353f7f3b9a73b', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'assistant', 'Here is the short version for Leeds — the details follow. 📞 The customer said “I only want to know what happens next”, so it is better to log the complaint in the customer''s own words.', 1789001598, 49);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_d583d5d4d087553f9dd7971c', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'user', 'What should the compliance officer do if a copy was left in a shared folder?', 1789001660, 19);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_f0316e7ac6eb7a82dee7a745', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'assistant', 'Good question — here is what applies to data retention. In short, the duty manager should mark the case for deletion within 24 hours. About 89 % of deletion requests in Málaga needed a second call last month.

There is one exception: a complaint is still open.', 1789001666, 66);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_72939a61680be9c55b87433e', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'user', 'And what changes if the customer has asked for a copy?', 1789001719, 14);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_6679ab13ae016f2aac0452d8', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'assistant', 'Yes, with one condition… let me explain. The customer said “I only want to know what happens next”, so it is better to show a number that can be called back.', 1789001727, 41);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_b6be04afd0f56c4f1a0fbbf3', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'user', 'Which section of the Conduct Rules covers abandoned dials?', 1789001786, 15);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_acc97c0220c809c7d2490521', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'assistant', 'Yes, with one condition… let me explain. We keep callback slots for 13 months, unless the customer has asked for a copy. About 92 % of outbound campaigns in Leeds needed a second call last quarter. First I would show a number that can be called back, and then note it in the shift handbook.

The rule is in section 2.3 of the Conduct Rules. There is one exception: an audit is under way. The limit is £40 per case, which Priya Raman can raise. The customer said “your café account is not mine”, so it is better to respect the quiet hours of the region. In short, the compliance officer should show a number that can be called back while the customer is on the line.

- **Callback slots**: The rule is in section 6.9 of the Partner Agreement.
- **Callback slots**: If the number was on the suppression list, the case goes to the fraud desk and stays open.
- **Consent records**: There is one exception: the customer has asked for a copy.

The partner desk shares the shift handbook with the office in São Paulo, so that a customer gets the same answer at any hour. Grace Okafor, who leads the retention team in Málaga, approves every change to this section. Outbound campaigns are kept for two years and then deleted, unless the customer has asked for a copy. In November 2023 the audit found that 38 % of callback slots did not meet this rule, mostly because the dialler hung up before an agent was free. Where the number was on the suppression list, the agent should respect the quiet hours of the region and note the reason in the risk register.

The compliance officer must show a number that can be called back while the customer is on the line. It is not enough to show a number that can be called back; the case owner also records who agreed and when.

Section 3.5 of the Privacy Notice sets the limit at €25 per case. No case is closed where the consent had expired — the case owner still has to respect the quiet hours of the region.', 1789001787, 489);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_ece861d39d3d7f524b0e5cea', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'user', 'Summarise the rule about callback slots for the onboarding team, please.', 1789001803, 18);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_1239ea42703b06b8e02eae09', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'assistant', 'I checked the case log and the Partner Agreement — this is what they say. The rule is in section 5.6 of the Retention Schedule. About 34 % of consent records in Lyon needed a second call last month. There is one exception: the customer has asked for a copy. If the consent had expired, the case goes to the night shift and stays open.

First I would show a number that can be called back, and then note it in the archive. In short, the team lead should respect the quiet hours of the region before the call ends.

- **Callback slots**: If the dialler hung up before an agent was free, the case goes to the onboarding team and stays open.
- **Consent records**: We keep consent records for six months, unless the law of the country asks for longer.
- **Abandoned dials**: We keep callback slots for five years, unless the law of the country asks for longer.
- **Abandoned dials**: In short, the team lead should check the consent record at the start of every shift.

It is not enough to check the consent record; the duty manager also records who agreed and when. Exceptions are rare: in 2026 there were 358 among all consent records.

Priya Raman, who leads the billing desk in Málaga, approves every change to this section. When a caller says “I already explained this yesterday”, the duty manager stops, checks the case log and only then decides whether to show a number that can be called back. Consent records are kept for 30 days and then deleted, unless a complaint is still open.', 1789001806, 374);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_0400fe21d7be0b0e4e3ab57b', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'user', 'Can the retention team show a number that can be called back without asking Grace Okafor?', 1789001822, 23);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_671c98903985b06cbc9b4dbd', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'assistant', 'Here is the short version for Zürich — the details follow. 📞 First I would show a number that can be called back, and then note it in the case log. About 54 % of outbound campaigns in Lyon needed a second call last month.

In short, the quality reviewer should check the consent record while the customer is on the line. If the consent had expired, the case goes to the night shift and stays open.

We keep callback slots for 30 days, unless an audit is under way.

- **Outbound campaigns**: The customer said “your café account is not mine”, so it is better to respect the quiet hours of the region.
- **Abandoned dials**: The rule is in section 9.4 of the Conduct Rules.

In April 2025 the audit found that 13 % of outbound campaigns did not meet this rule, mostly because the number was on the suppression list. The same applies to abandoned dials that the retention team handles for a partner.

When a caller says “please read that number back to me”, the shift supervisor stops, checks the shift handbook and only then decides whether to show a number that can be called back. Since September 2026, outbound campaigns that need a second look are sent to Grace Okafor.', 1789001828, 297);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_e07d8f91243efba92d3ea354', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'user', 'Is there a limit for callback slots, or is €150 fine?', 1789001882, 14);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_00b159405d3f40c171581e7f', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'assistant', 'Good question — here is what applies to outbound calls. About 10 % of callback slots in Zürich needed a second call last quarter. First I would show a number that can be called back, and then note it in the quality portal. If the consent had expired, the case goes to the partner desk and stays open.

- **Callback slots**: First I would show a number that can be called back, and then note it in the case log.
- **Consent records**: If the dialler hung up before an agent was free, the case goes to the retention team and stays open.
- **Callback slots**: In short, the duty manager should respect the quiet hours of the region as soon as the case is opened.', 1789001883, 166);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_e032bc0dadfca4c54ff3a0cb', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'user', 'What should the compliance officer do if the number was on the suppression list?', 1789001931, 20);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_0bd84a3492426ca7182c01ac', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'assistant', 'Good question — here is what applies to outbound calls. In short, the team lead should check the consent record at the start of every shift. The customer said “I only want to know what happens next”, so it is better to show a number that can be called back. Your last 284 abandoned dials show the same pattern, mostly because the consent had expired. The limit is £1,200 per case, which Priya Raman can raise.

About 52 % of outbound campaigns in Zürich needed a second call last month.

- **Abandoned dials**: The rule is in section 5.8 of the Contact Centre Handbook.
- **Abandoned dials**: The customer said “I already explained this yesterday”, so it is better to respect the quiet hours of the region.
- **Consent records**: There is one exception: a legal hold applies.

In January 2025 the audit found that 47 % of abandoned dials did not meet this rule, mostly because the number was on the suppression list. Since June 2023, outbound campaigns that need a second look are sent to Jürgen Weiß.

When a caller says “I never agreed to that”, the compliance officer stops, checks the archive and only then decides whether to check the consent record. If a customer asks, the shift supervisor explains in plain words why we respect the quiet hours of the region.', 1789001937, 321);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_a6f26564fdf6d727f944d4f1', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'user', 'Can the fraud desk keep a proof of deletion without the data itself without asking Zoë Muñoz?', 1789001976, 24);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_a9390341c740b57b82f17753', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'assistant', 'Yes, with one condition… let me explain. If the legal hold was not lifted, the case goes to the onboarding team and stays open. The rule is in section 6.9 of the Partner Agreement. We keep backup tapes for five years, unless a legal hold applies. About 65 % of customer exports in Leeds needed a second call last week.', 1789001983, 80);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_40dd93f293413a63971defd4', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'user', 'And what changes if a complaint is still open?', 1789002038, 12);
INSERT INTO messages (id, conversation_id, role, content, created_at, token_count) VALUES ('msg_0e9536eb38db48c6470c43b9', 'conv_4d207620-0b15-48a1-92cf-b86398c990e1', 'assistant', 'I checked the archive and the Partner Agreement — this is what they say. The limit is €150 per case, which Jürgen Weiß can raise. The customer said “nobody called me back”, so it is better to keep a proof of deletion without the data itself.

- **Closed cases**: The limit is £40 per case, which Łukasz Nowak can raise.
- **Customer exports**: If the retention clock started on the wrong day, the case goes to the billing desk and stays open.

Section 7.5 of the Conduct Rules sets the limit at €150 per case. Since June 2026, closed cases that need a second look are sent to Tom Hadley. The onboarding team shares the case log with the office in Lyon, so that a customer gets the same answer at any hour.', 1789002042, 180);
