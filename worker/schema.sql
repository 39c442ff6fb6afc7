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
