<?php
declare(encoding='UTF-8');
echo 'enc';
