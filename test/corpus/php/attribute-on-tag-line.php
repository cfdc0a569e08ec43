<?php #[Deprecated] function g() { return "g"; } echo g();
