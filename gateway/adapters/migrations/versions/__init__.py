"""One file a migration; `store_migrate.HEAD` names the newest."""
