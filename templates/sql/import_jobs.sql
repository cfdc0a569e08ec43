-- The table of templates/php/worker.php and templates/node/worker.mjs.
CREATE TABLE IF NOT EXISTS import_jobs (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  payload TEXT NOT NULL,
  status ENUM('pending', 'processing', 'completed', 'failed') NOT NULL DEFAULT 'pending',
  attempts INT UNSIGNED NOT NULL DEFAULT 0,
  locked_by VARCHAR(190) NULL,
  locked_at DATETIME NULL,
  finished_at DATETIME NULL,
  error VARCHAR(500) NULL,
  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  KEY waiting (status, id)
) ENGINE = InnoDB;
