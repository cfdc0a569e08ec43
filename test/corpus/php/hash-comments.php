<?php # old style
# another
echo "hash";
