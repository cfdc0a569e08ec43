<?php
;;;
echo "semi";
