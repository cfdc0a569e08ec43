<?php /* (c) Example Ltd. */
echo "c";
