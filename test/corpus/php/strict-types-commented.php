<?php
/* a */ declare /* b */ ( strict_types /* c */ = 1 ) /* d */ ; // e
echo "c";
