<?php
echo "no newline\n";