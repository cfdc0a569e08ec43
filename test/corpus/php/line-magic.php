<?php
echo basename(__FILE__) !== "", __LINE__ > 0, __DIR__ !== "";
