<?php
namespace App;

echo __NAMESPACE__;
