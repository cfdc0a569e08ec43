<?php
echo "bom";
